using Moorcheh.Artifacts;

namespace Moorcheh.Http.Artifacts;

/// <summary>An artifact of an answer with content, and which of its chunks are wanted. Their texts stay in the store until they are written.</summary>
internal sealed class WantedArtifact(OpenArtifact artifact, IReadOnlyList<int> chunks)
{
    public ArtifactInfo Info => artifact.Info;

    /// <summary>Begins the ids of its chunks.</summary>
    public string Id => artifact.Id;

    /// <summary>How many chunks are wanted.</summary>
    public int Count => chunks.Count;

    /// <summary>What a <see cref="ChunkJoiner"/> made of them, once it has.</summary>
    public IReadOnlyList<JoinedChunk>? Joined { get; set; }

    /// <summary>The item id of a wanted chunk.</summary>
    public string ChunkId(int at) => artifact.ChunkId(chunks[at]);

    /// <summary>The text of a wanted chunk; valid until the next call, also of another artifact of the answer.</summary>
    /// <exception cref="MoorchehException"><c>item-gone</c>: a checkpoint could not wait.</exception>
    public ValueTask<ReadOnlyMemory<byte>> ReadTextAsync(int at) => artifact.ReadTextAsync(chunks[at]);
}
