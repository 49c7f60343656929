using Moorcheh.Jobs;

namespace Moorcheh.Pipelines;

/// <summary>Entries of one chunk that are handled together.</summary>
/// <param name="Job">The upload.</param>
/// <param name="Chunk">Holds the entries.</param>
/// <param name="First">The entry of the first of <paramref name="Embedded"/>.</param>
/// <param name="Embedded">What became of the texts; empty values for vectors.</param>
/// <param name="From">First entry.</param>
/// <param name="To">First entry after it.</param>
internal sealed record UploadRun(UploadJobEntry Job, UploadChunk Chunk, int First, EmbeddedText[] Embedded, int From, int To)
{
    public EmbeddedText EmbeddedAt(int index) => Embedded[index - First];
}
