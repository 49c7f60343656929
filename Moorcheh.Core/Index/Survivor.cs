namespace Moorcheh.Index;

/// <summary>A slot that the coded stages could not rule out.</summary>
/// <param name="Place">Position of its segment in the search times <see cref="Segment.Capacity"/>, plus its slot.</param>
/// <param name="Upper">Its cosine is at most this.</param>
internal readonly record struct Survivor(int Place, float Upper);
