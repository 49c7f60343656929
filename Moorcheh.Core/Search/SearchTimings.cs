namespace Moorcheh;

/// <summary>Durations of the steps of a search.</summary>
/// <param name="PrepareVector">Embedding the text query, or checking the vector.</param>
/// <param name="CalculateDistance">The scan over all vectors, filters included.</param>
/// <param name="SelectCandidates">Choosing the candidates of the exact stage.</param>
/// <param name="CalculateScores">Exact cosines and scores.</param>
/// <param name="FetchData">Reading text and metadata of the hits.</param>
/// <param name="Total">From the call to the result.</param>
public sealed record SearchTimings(
    TimeSpan PrepareVector,
    TimeSpan CalculateDistance,
    TimeSpan SelectCandidates,
    TimeSpan CalculateScores,
    TimeSpan FetchData,
    TimeSpan Total);
