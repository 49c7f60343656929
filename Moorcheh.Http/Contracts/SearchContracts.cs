namespace Moorcheh.Http.Contracts;

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
