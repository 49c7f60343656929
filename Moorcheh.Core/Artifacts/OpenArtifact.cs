using Moorcheh.Artifacts.Tasks;
using Moorcheh.Items;
using Moorcheh.Storage;

namespace Moorcheh.Artifacts;

/// <summary>A stored artifact whose chunks are read one by one, all of one version. Valid until the set it was opened with is disposed.</summary>
public sealed class OpenArtifact
{
    private readonly ArtifactKey _key;
    private readonly RecordKey _firstChunk;
    private readonly RecordSet _records;

    internal OpenArtifact(ArtifactInfo info, ArtifactKey key, RecordKey firstChunk, int chunkCount, RecordSet records)
    {
        Info = info;
        ChunkCount = chunkCount;
        _key = key;
        _firstChunk = firstChunk;
        _records = records;
    }

    /// <summary>Name and metadata.</summary>
    public ArtifactInfo Info { get; }

    /// <summary>32 hex digits that begin the ids of its chunks.</summary>
    public string Id => _key.ToString();

    /// <summary>Chunks, 1 or more.</summary>
    public int ChunkCount { get; }

    /// <summary>The item id of a chunk.</summary>
    /// <param name="index">0 to <see cref="ChunkCount"/> - 1.</param>
    public string ChunkId(int index) => _key.ChunkId(index);

    /// <summary>The text of a chunk, UTF-8; valid until the next reading from the set, also of another artifact.</summary>
    /// <param name="index">0 to <see cref="ChunkCount"/> - 1.</param>
    /// <exception cref="MoorchehException">As <see cref="PinnedItems.ReadAsync"/>.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadTextAsync(int index)
    {
        ReadOnlyMemory<byte> body = await _records.ReadPinnedAsync(_firstChunk with { Number = _firstChunk.Number + index }).ConfigureAwait(false);
        return new StoredItem(body).Text ?? default;
    }
}
