using System.Globalization;
using Moorcheh.Benchmarks.Data;
using Moorcheh.Index;
using Moorcheh.Kernels;

namespace Moorcheh.Benchmarks.Commands;

/// <summary>
/// The index without a store around it: the coded stages over all segments, and exact cosines from the rows in memory instead of records.
/// No checks, no hits with metadata, one thread.
/// </summary>
internal sealed class IndexEngine
{
    private readonly VectorSet _set;
    private readonly IReadOnlyList<SegmentView> _segments;
    private readonly QueryTile _tile = new();
    private readonly List<(double Cosine, int Row)> _best = [];

    /// <param name="set">The vectors.</param>
    public IndexEngine(VectorSet set)
    {
        _set = set;
        var index = new NamespaceIndex(1);

        // The store encodes a young namespace anew around its mean up to this size; so does this.
        Fill(index, 0, Math.Min(RunningCentre.Enough, set.Count));
        index = index.StartRebuild();
        Fill(index, 0, set.Count);
        index.Publish();
        _segments = index.Snapshot.Segments;
    }

    public int Rescored8 => _tile[0].Rescored8;

    public int Rescored32 { get; private set; }

    /// <summary>The rows of the nearest vectors, best first; valid until the next call.</summary>
    public List<(double Cosine, int Row)> Search(ReadOnlySpan<float> query, int top, SearchGuarantee guarantee)
    {
        _tile.Begin();
        _tile.Add(query, top, guarantee);
        CandidateSearch.Find(_tile, _segments, null, 0, _segments.Count, guarantee == SearchGuarantee.Absolute);
        _tile[0].Finish();
        _best.Clear();
        Rescored32 = 0;
        DoubleDouble square = RankingCosine.Square(query);
        foreach (Survivor survivor in _tile[0].Survivors)
        {
            if (_best.Count == top && survivor.Upper < _best[^1].Cosine)
            {
                break;
            }

            int row = (int)_segments[survivor.Place / Segment.Capacity].RecordNumber(survivor.Place % Segment.Capacity);
            ReadOnlySpan<float> vector = _set.Row(row).Span;
            double cosine = RankingCosine.Of(query, square, vector);
            Rescored32++;
            int at = _best.Count;
            while (at > 0 && (cosine > _best[at - 1].Cosine || (cosine == _best[at - 1].Cosine && row < _best[at - 1].Row)))
            {
                at--;
            }

            if (at < top)
            {
                if (_best.Count == top)
                {
                    _best.RemoveAt(top - 1);
                }

                _best.Insert(at, (cosine, row));
            }
        }

        return _best;
    }

    private void Fill(NamespaceIndex index, int first, int end)
    {
        Span<byte> id = stackalloc byte[16];
        for (int i = first; i < end; i++)
        {
            i.TryFormat(id, out int written, "D8", CultureInfo.InvariantCulture);
            index.Put(id[..written], _set.Row(i).Span, i, "{}"u8, default);
        }
    }
}
