using Moorcheh.Artifacts;
using Moorcheh.Artifacts.Pipelines;
using Moorcheh.Http.Json;
using Moorcheh.Items;
using Moorcheh.Storage;

namespace Moorcheh.Http.Artifacts;

/// <summary>An artifact of an answer with content, and which of its chunks are wanted. Their texts stay in the store until they are written.</summary>
internal sealed class WantedArtifact(OpenArtifact artifact, IReadOnlyList<int> chunks, RecordSet records)
{
    public ArtifactInfo Info => artifact.Info;

    /// <summary>Begins the ids of its chunks.</summary>
    public string Id => artifact.Key.ToString();

    /// <summary>How many chunks are wanted.</summary>
    public int Count => chunks.Count;

    /// <summary>What a <see cref="ChunkJoiner"/> made of them, once it has.</summary>
    public IReadOnlyList<JoinedChunk>? Joined { get; set; }

    /// <summary>The item id of a wanted chunk.</summary>
    public string ChunkId(int at) => artifact.Key.ChunkId(chunks[at]);

    /// <summary>The text of a wanted chunk; valid until the next call, also of another artifact of the answer.</summary>
    /// <exception cref="RecordGoneException">It is gone: a checkpoint could not wait.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadTextAsync(int at)
    {
        RecordKey key = artifact.Chunk(chunks[at]);
        ReadOnlyMemory<byte> body = await records.ReadAsync(key);
        return body.IsEmpty ? throw new RecordGoneException(key) : ItemJson.TextOf(body);
    }
}
