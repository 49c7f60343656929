using Moorcheh.Index;

namespace Moorcheh.Search;

/// <summary>
/// Runs the coded stages of up to four searches over the same segments, on one or several threads, and holds what they could not rule
/// out. Dispose it to reuse its buffers.
/// </summary>
internal readonly struct CandidateSet : IDisposable
{
    private static readonly IdlePool<QueryTile> Idle = new();

    private readonly QueryTile _tile;

    private CandidateSet(QueryTile tile)
    {
        _tile = tile;
    }

    /// <summary>What is left for one of the searches, the most promising first.</summary>
    public ReadOnlySpan<Survivor> Survivors(int query) => _tile[query].Survivors;

    /// <summary>Vectors scored with eight bits for one of the searches.</summary>
    public int Rescored8(int query) => _tile[query].Rescored8;

    /// <summary>Runs the coded stages.</summary>
    /// <param name="plans">Up to <see cref="QueryTile.MaxQueries"/>, of one scope, equal in their filters, threads and whether they are absolute.</param>
    /// <param name="masks">Wanted slots of each segment; null for all live ones.</param>
    public static CandidateSet Find(ReadOnlySpan<SearchPlan> plans, ulong[]?[]? masks)
    {
        SearchScope scope = plans[0].Scope;
        bool absolute = plans[0].Request.Guarantee == SearchGuarantee.Absolute;
        int threads = Math.Min(plans[0].Request.Threads, scope.Segments.Count);
        QueryTile tile = Rent(plans);
        if (threads <= 1)
        {
            CandidateSearch.Find(tile, scope.Segments, masks, 0, scope.Segments.Count, absolute);
        }
        else
        {
            FindParallel(tile, plans, masks, threads, absolute);
        }

        foreach (QueryState state in tile.States)
        {
            state.Finish();
        }

        return new CandidateSet(tile);
    }

    public void Dispose() => Idle.Return(_tile);

    private static void FindParallel(QueryTile tile, ReadOnlySpan<SearchPlan> plans, ulong[]?[]? masks, int threads, bool absolute)
    {
        IReadOnlyList<SegmentView> segments = plans[0].Scope.Segments;
        QueryTile[] tiles = new QueryTile[threads];
        tiles[0] = tile;
        for (int t = 1; t < threads; t++)
        {
            tiles[t] = Rent(plans);
        }

        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, t =>
            CandidateSearch.Find(tiles[t], segments, masks, segments.Count * t / threads, segments.Count * (t + 1) / threads, absolute));
        foreach (QueryTile other in tiles.AsSpan(1))
        {
            for (int query = 0; query < tile.Count; query++)
            {
                tile[query].Merge(other[query]);
            }

            Idle.Return(other);
        }
    }

    private static QueryTile Rent(ReadOnlySpan<SearchPlan> plans)
    {
        QueryTile tile = Idle.Rent();
        tile.Begin();
        foreach (SearchPlan plan in plans)
        {
            tile.Add(plan.Query.Span, plan.Nearest, plan.Request.Guarantee);
        }

        return tile;
    }
}
