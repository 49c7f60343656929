using System.Numerics;
using Moorcheh.Indexing;
using Moorcheh.Kernels;
using Moorcheh.Namespaces;

namespace Moorcheh.Pipelines;

/// <summary>A checked search: what is looked for and where.</summary>
/// <param name="request">The request.</param>
/// <param name="filter">Conditions; null for none.</param>
/// <param name="query">The query vector.</param>
/// <param name="sources">The namespaces in the order of their names.</param>
internal sealed class SearchPlan(SearchRequest request, ItemFilter? filter, ReadOnlyMemory<float> query, NamespaceEntry[] sources)
{
    private readonly List<SegmentView> _segments = [];
    private readonly List<int> _sourceOf = [];

    public SearchRequest Request { get; } = request;

    public ItemFilter? Filter { get; } = filter;

    public ReadOnlyMemory<float> Query { get; } = query;

    public double QueryNorm { get; } = CanonicalDot.Norm(query.Span);

    /// <summary>All segments of all namespaces. A place counts <see cref="Segment.Capacity"/> slots for each.</summary>
    public IReadOnlyList<SegmentView> Segments => _segments;

    /// <summary>Looks at the namespaces as they are now.</summary>
    public void TakeSnapshots()
    {
        _segments.Clear();
        _sourceOf.Clear();
        for (int source = 0; source < sources.Length; source++)
        {
            // A namespace that was emptied and filled with another model since it was checked has nothing to say to this query.
            IndexSnapshot snapshot = sources[source].Index.Snapshot;
            if (sources[source].State == NamespaceState.Active && snapshot.Dimension == Query.Length)
            {
                _segments.AddRange(snapshot.Segments);
                _sourceOf.AddRange(Enumerable.Repeat(source, snapshot.Segments.Count));
            }
        }
    }

    /// <summary>Position of the namespace of a place in the order of names.</summary>
    public int SourceOf(int place) => _sourceOf[place / Segment.Capacity];

    public NamespaceEntry Source(int place) => sources[SourceOf(place)];

    /// <summary>Number of the item record of a place.</summary>
    public long RecordOf(int place) => _segments[place / Segment.Capacity].RecordNumber(place % Segment.Capacity);

    /// <summary>UTF-8.</summary>
    public ReadOnlySpan<byte> IdOf(int place) => _segments[place / Segment.Capacity].Id(place % Segment.Capacity);

    /// <summary>Slots a search looks at.</summary>
    public long CountWanted(ulong[]?[]? masks)
    {
        long count = 0;
        for (int s = 0; s < _segments.Count; s++)
        {
            count += masks?[s] is { } mask ? mask.Sum(word => (long)BitOperations.PopCount(word)) : _segments[s].LiveCount;
        }

        return count;
    }
}
