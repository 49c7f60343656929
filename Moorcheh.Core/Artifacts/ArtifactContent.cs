namespace Moorcheh.Artifacts;

/// <summary>A stored artifact with its text, all of one version.</summary>
/// <param name="Info">Name and metadata.</param>
/// <param name="Id">32 hex digits that begin the ids of its chunks.</param>
/// <param name="Chunks">In order; their texts joined are the artifact's text.</param>
public sealed record ArtifactContent(ArtifactInfo Info, string Id, IReadOnlyList<ArtifactChunk> Chunks);
