namespace Moorcheh.Artifacts;

/// <summary>A chunk of an artifact.</summary>
/// <param name="Id">Item id: <c>{key}_chunk_{index}</c>.</param>
/// <param name="Text">Its text.</param>
public readonly record struct ArtifactChunk(string Id, string Text);
