namespace Moorcheh.Artifacts;

/// <summary>A stored artifact.</summary>
/// <param name="Artifact">Its name in its collection.</param>
/// <param name="Metadata">
/// <c>file_name</c>, the caller's metadata, then <c>artifact_id</c>, <c>collection</c>, <c>llm_model</c>, <c>embed_model</c> and <c>hash</c>.
/// </param>
public sealed record ArtifactInfo(string Artifact, ItemMetadata Metadata);
