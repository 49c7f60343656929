using Moorcheh.Items;
using Moorcheh.Kernels;
using Moorcheh.Search.Filters;

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

    public DoubleDouble QuerySquare { get; } = RankingCosine.Square(query.Span);

    public SearchScope Scope { get; } = scope;

    /// <summary>Receives the records of the hits, which then have neither text nor metadata themselves; null for hits that have all.</summary>
    public RecordSet? Records { get; init; }

    /// <summary>The same search with snapshots of its own, yet to be taken.</summary>
    public SearchPlan Alone() => new(Request, Filter, Query, new SearchScope(Scope.Sources, Scope.Dimension)) { Records = Records };
}
