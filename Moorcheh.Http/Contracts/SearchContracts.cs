using System.Text.Json.Serialization;

namespace Moorcheh.Http.Contracts;

/// <summary>Answer of <c>POST /search</c>.</summary>
internal sealed record SearchResponse(IReadOnlyList<SearchResultEntry> Results, decimal ExecutionTime, TimingsEntry Timings);

/// <summary>One hit.</summary>
internal sealed record SearchResultEntry(
    string Id,
    string Namespace,
    decimal Score,
    string Label,
    [property: JsonConverter(typeof(MetadataConverter))] ItemMetadata Metadata,
    string Text);

/// <summary>Seconds by step; steps we do not have are 0.</summary>
internal sealed record TimingsEntry(
    decimal ParseValidate,
    decimal PrepareVector,
    decimal FetchData,
    decimal CalculateDistance,
    decimal SelectCandidates,
    decimal CalculateScores,
    decimal Reorder,
    decimal FormatResponse,
    decimal Total);
