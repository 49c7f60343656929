using Moorcheh.Artifacts.Tasks;
using Moorcheh.Storage;

namespace Moorcheh.Artifacts.Pipelines;

/// <summary>A stored artifact whose chunks are pinned, so that they can be read one by one, all of one version.</summary>
/// <param name="Info">Name and metadata.</param>
/// <param name="Key">Begins the ids of its chunks.</param>
/// <param name="FirstChunk">Key of the record of its first chunk; those of the others have the numbers that follow.</param>
/// <param name="ChunkCount">Chunks, 1 or more.</param>
internal sealed record OpenArtifact(ArtifactInfo Info, ArtifactKey Key, RecordKey FirstChunk, int ChunkCount)
{
    public RecordKey Chunk(int index) => FirstChunk with { Number = FirstChunk.Number + index };
}
