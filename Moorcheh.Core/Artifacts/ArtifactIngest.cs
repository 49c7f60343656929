namespace Moorcheh.Artifacts;

/// <summary>A document to be stored as an artifact, in place of an earlier version of it.</summary>
/// <param name="Collection">1 to <see cref="ArtifactStore.MaxNameLength"/> characters (Unicode code points), compared exactly.</param>
/// <param name="Artifact">Likewise; unique in its collection.</param>
/// <param name="Input">The content.</param>
public sealed record ArtifactIngest(string Collection, string Artifact, ArtifactInput Input)
{
    /// <summary>
    /// The caller's metadata, at most <see cref="LimitOptions.MaxMetadataBytes"/> and <see cref="ItemMetadata.MaxDepth"/> levels; its
    /// <c>file_name</c> names the file.
    /// </summary>
    public ItemMetadata Metadata { get; init; } = ItemMetadata.Empty;
}
