using System.Text.Json;
using Moorcheh.Artifacts;

namespace Moorcheh.Http.Artifacts;

/// <summary>What content is asked for.</summary>
/// <param name="Collection">The collection.</param>
/// <param name="Artifacts">Names without repeats; null for all.</param>
/// <param name="Conditions">Of which one must hold; null for none.</param>
/// <param name="IsObject">As a tree instead of Markdown.</param>
/// <param name="IncludesTexts">False when the only nodes there are are filtered out.</param>
/// <param name="NodeIds">Ids of the wanted chunks; null for all.</param>
/// <param name="MaxTokens">Size of the chunks of chunked content.</param>
internal sealed record ContentRequest(
    string Collection,
    IReadOnlyList<string>? Artifacts,
    IReadOnlyList<MetadataCondition>? Conditions,
    bool IsObject,
    bool IncludesTexts,
    IReadOnlySet<string>? NodeIds,
    long? MaxTokens)
{
    /// <summary>True when the conditions let an artifact through.</summary>
    private bool Wants(ArtifactInfo info)
    {
        if (Conditions is null)
        {
            return true;
        }

        JsonElement metadata = info.Metadata.ToElement();
        return Conditions.Any(condition => condition.Holds(metadata));
    }

    /// <summary>The numbers of the wanted chunks of an artifact.</summary>
    public IReadOnlyList<int> Select(OpenArtifact artifact) =>
        IncludesTexts && Wants(artifact.Info)
            ? [.. Enumerable.Range(0, artifact.ChunkCount).Where(i => NodeIds is null || NodeIds.Contains(artifact.ChunkId(i)))]
            : [];
}

/// <summary>A condition on a key of the metadata, by JSON equality.</summary>
internal sealed record MetadataCondition(string Key, bool IsEqual, JsonElement Value)
{
    public bool Holds(JsonElement metadata) =>
        (metadata.TryGetProperty(Key, out JsonElement value) && JsonElement.DeepEquals(value, Value)) == IsEqual;
}
