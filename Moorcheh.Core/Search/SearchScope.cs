using System.Numerics;
using Moorcheh.Index;
using Moorcheh.Namespaces;

namespace Moorcheh.Search;

/// <summary>Where a search looks: the segments of its namespaces at one moment. A place counts <see cref="Segment.Capacity"/> slots for each.</summary>
/// <param name="sources">The namespaces in the order of their names.</param>
/// <param name="dimension">Values of the query; <see cref="AnyDimension"/> for one that is not compared with vectors.</param>
internal sealed class SearchScope(NamespaceEntry[] sources, int dimension)
{
    /// <summary>The dimension of a search that looks at no vectors.</summary>
    public const int AnyDimension = -1;

    private int[] _ends = [];

    /// <summary>The namespaces in the order of their names.</summary>
    public NamespaceEntry[] Sources => sources;

    /// <summary>Values of the query.</summary>
    public int Dimension => dimension;

    /// <summary>All segments of all namespaces.</summary>
    public IReadOnlyList<SegmentView> Segments { get; private set; } = [];

    /// <summary>Looks at the namespaces as they are now.</summary>
    public void TakeSnapshots()
    {
        if (sources.Length == 1)
        {
            Segments = SegmentsOf(sources[0]);
            return;
        }

        List<SegmentView> segments = [];
        _ends = new int[sources.Length];
        for (int source = 0; source < sources.Length; source++)
        {
            segments.AddRange(SegmentsOf(sources[source]));
            _ends[source] = segments.Count;
        }

        Segments = segments;
    }

    /// <summary>Position of the namespace of a place in the order of names.</summary>
    public int SourceOf(int place)
    {
        int source = 0;
        while (source < sources.Length - 1 && place / Segment.Capacity >= _ends[source])
        {
            source++;
        }

        return source;
    }

    public NamespaceEntry Source(int place) => sources[SourceOf(place)];

    /// <summary>Number of the item record of a place.</summary>
    public long RecordOf(int place) => Segments[place / Segment.Capacity].RecordNumber(place % Segment.Capacity);

    /// <summary>UTF-8.</summary>
    public ReadOnlySpan<byte> IdOf(int place) => Segments[place / Segment.Capacity].Id(place % Segment.Capacity);

    /// <summary>Order of hits with equal scores: namespace, then id, ordinal.</summary>
    public int ComparePlaces(int x, int y)
    {
        int order = SourceOf(x).CompareTo(SourceOf(y));
        return order != 0 ? order : OrdinalUtf8.Compare(IdOf(x), IdOf(y));
    }

    /// <summary>Slots a search looks at.</summary>
    public long CountWanted(ulong[]?[]? masks)
    {
        long count = 0;
        for (int s = 0; s < Segments.Count; s++)
        {
            if (masks?[s] is { } mask)
            {
                foreach (ulong word in mask)
                {
                    count += BitOperations.PopCount(word);
                }
            }
            else
            {
                count += Segments[s].LiveCount;
            }
        }

        return count;
    }

    /// <summary>A namespace that was emptied and filled with another model since it was checked has nothing to say to this query.</summary>
    private IReadOnlyList<SegmentView> SegmentsOf(NamespaceEntry source)
    {
        IndexSnapshot snapshot = source.Index.Snapshot;
        return source.State == NamespaceState.Active && (dimension == AnyDimension || snapshot.Dimension == dimension) ? snapshot.Segments : [];
    }
}
