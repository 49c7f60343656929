namespace Moorcheh;

/// <summary>What a search found.</summary>
/// <param name="Hits">
/// Best first: cosine descending, then namespace, then id, both ordinal. The same data and query give the same hits in the
/// same order, whatever the order of uploads or the number of threads; only what <see cref="SearchGuarantee.Fast"/> misses, if
/// anything, can depend on them.
/// </param>
/// <param name="Timings">Where the time went.</param>
/// <param name="Guarantee">How sure the answer is to be the exact one.</param>
/// <param name="Work">How many vectors each stage looked at.</param>
public sealed record SearchResult(IReadOnlyList<SearchHit> Hits, SearchTimings Timings, SearchGuarantee Guarantee, SearchWork Work);
