namespace Moorcheh.Search.Words;

/// <summary>A text that has words of the query.</summary>
/// <param name="Place">In the scope of the search.</param>
/// <param name="Score">BM25 with six decimals.</param>
internal readonly record struct WordHit(int Place, double Score);
