using Moorcheh.Items;
using Moorcheh.Kernels;
using Moorcheh.Search.Filters;
using Moorcheh.Search.Words;

namespace Moorcheh.Search;

/// <summary>A checked search: what is looked for and where.</summary>
/// <param name="request">The request.</param>
/// <param name="filter">Conditions; null for none.</param>
/// <param name="query">The query vector.</param>
/// <param name="scope">Where; shared by the searches of a batch that look at the same snapshots.</param>
internal sealed class SearchPlan(SearchRequest request, ItemFilter? filter, ReadOnlyMemory<float> query, SearchScope scope)
{
    public SearchRequest Request { get; } = request;

    public ItemFilter? Filter { get; } = filter;

    public ReadOnlyMemory<float> Query { get; } = query;

    /// <summary>False where the query could not be embedded.</summary>
    public bool HasQuery => !Query.IsEmpty;

    /// <summary>What is looked for by words; null in a semantic search.</summary>
    public QueryWords? Words { get; init; }

    /// <summary>True to count words in the records instead of in the postings: different words may have the same term, and in a hit they had.</summary>
    public bool CountsInRecords { get; set; }

    /// <summary>How many of the nearest are looked for.</summary>
    public int Nearest => Request.Mode == SearchMode.Semantic ? Request.TopK : Fusion.LegOf(Request.TopK);

    public DoubleDouble QuerySquare { get; } = RankingCosine.Square(query.Span);

    public SearchScope Scope { get; } = scope;

    /// <summary>Receives the records of the hits, which then have neither text nor metadata themselves; null for hits that have all.</summary>
    public RecordSet? Records { get; init; }

    /// <summary>The same search with snapshots of its own, yet to be taken.</summary>
    public SearchPlan Alone() => new(Request, Filter, Query, new SearchScope(Scope.Sources, Scope.Dimension))
    {
        Words = Words,
        CountsInRecords = CountsInRecords,
        Records = Records,
    };
}
