namespace Moorcheh.Kernels;

/// <summary>A slot that may belong to the answer, with bounds of its cosine.</summary>
/// <param name="Slot">The slot number, counted from the first slot the pass was told.</param>
/// <param name="Upper">The cosine is at most this.</param>
/// <param name="Lower">The cosine is at least this.</param>
internal readonly record struct Candidate(int Slot, float Upper, float Lower);
