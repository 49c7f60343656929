namespace Moorcheh.Artifacts.Tasks;

/// <summary>
/// A stored artifact. Its chunks are the items with the record numbers from <see cref="FirstRecord"/> on, in order, so whoever holds an entry
/// reads chunks of one version or finds none. The record of its <c>doc_metadata</c> has the number of the first chunk.
/// </summary>
/// <param name="Key">Of collection and name.</param>
/// <param name="Name">Its name in the collection.</param>
/// <param name="FirstRecord">Record number of the first chunk.</param>
/// <param name="ChunkCount">Chunks, 1 or more.</param>
internal sealed record ArtifactEntry(ArtifactKey Key, string Name, long FirstRecord, int ChunkCount);
