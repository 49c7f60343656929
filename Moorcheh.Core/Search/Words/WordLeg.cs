using System.Numerics;
using Moorcheh.Index;

namespace Moorcheh.Search.Words;

/// <summary>
/// Finds the texts with the best word scores on postings alone. Exact: what is skipped (MaxScore) has an upper bound below the k-th best by more than
/// rounding, and what is left is scored anew in the order of the query's words. Its buffers are kept for the next search.
/// </summary>
internal sealed class WordLeg
{
    // Sums in other orders differ by less, and scores that differ by less may be equal when they are rounded to six decimals.
    private const double Margin = 2e-6;
    private const double RelativeMargin = 1e-9;

    private static readonly IdlePool<WordLeg> Idle = new();

    private readonly SegmentWords _segment = new();
    private readonly SegmentSums _sums = new();
    private readonly ScoreFloor _floor = new();
    private readonly ScoreFloor _partialFloor = new();
    private readonly List<(int Slot, double Sum)> _found = [];
    private QueryWords _words = null!;
    private WordStatistics _statistics = null!;
    private BestWordHits _best = null!;
    private int[] _order = [];
    private double[] _upper = [];
    private double[] _rest = [];
    private double _floorOfSegment;
    private double _most;

    /// <summary>The best texts among the wanted ones.</summary>
    /// <param name="segments">Where.</param>
    /// <param name="masks">Wanted slots of each segment; null for all live ones.</param>
    /// <param name="words">What is looked for.</param>
    /// <param name="statistics">Of all live texts of the segments.</param>
    /// <param name="best">Takes the texts.</param>
    /// <param name="limit">How many it takes.</param>
    /// <param name="wantsMost">True when the greatest score of all texts is asked for, those that are not wanted included.</param>
    /// <returns>The greatest score of a text, of a wanted one unless more was asked for; 0 when no text has a word.</returns>
    public static double Find(
        IReadOnlyList<SegmentView> segments,
        ulong[]?[]? masks,
        QueryWords words,
        WordStatistics statistics,
        BestWordHits best,
        int limit,
        bool wantsMost)
    {
        if (words.Count == 0 || statistics.MeanLength == 0)
        {
            return 0;
        }

        WordLeg leg = Idle.Rent();
        leg.Begin(words, statistics, best, limit);
        for (int s = 0; s < segments.Count; s++)
        {
            bool looksAtAll = wantsMost && masks?[s] is not null;
            leg.Scan(s, segments[s], masks?[s] ?? segments[s].Live, looksAtAll);
        }

        double most = Math.Max(leg._most, best.Hits.Count > 0 ? best.Hits[0].Score : 0);
        leg.End();
        Idle.Return(leg);
        return most;
    }

    private static bool Has(ReadOnlySpan<ulong> mask, int slot) => (mask[slot / 64] >> (slot % 64) & 1) != 0;

    private static bool Reaches(double upper, double floor) => upper >= floor - Margin - (floor * RelativeMargin);

    private void Begin(QueryWords words, WordStatistics statistics, BestWordHits best, int limit)
    {
        _words = words;
        _statistics = statistics;
        _best = best;
        _most = 0;
        _floor.Begin(limit);
        _partialFloor.Begin(limit);
        if (_order.Length < words.Count)
        {
            _order = new int[words.Count];
            _upper = new double[words.Count];
            _rest = new double[words.Count + 1];
        }
    }

    private void End()
    {
        _segment.Clear();
        _words = null!;
        _statistics = null!;
        _best = null!;
    }

    private void Scan(int position, SegmentView view, ReadOnlySpan<ulong> wanted, bool looksAtAll)
    {
        if (view.Count == 0)
        {
            return;
        }

        _segment.Load(view, _words, _statistics);
        int count = Order();
        int summed = Sum(count, wanted);
        if (summed > 0)
        {
            Collect(view, wanted, summed, count, looksAtAll);
            foreach ((int slot, double sum) in _found)
            {
                if (Reaches(sum, Math.Max(_floorOfSegment, _best.Least)))
                {
                    _best.Offer((position * Segment.Capacity) + slot, Score(slot));
                }
            }
        }

        _found.Clear();
    }

    private double Score(int slot) => Bm25.Round(_segment.Score(_words, _statistics, slot));

    /// <summary>Puts the words that the segment has in order, those first that can add most.</summary>
    private int Order()
    {
        int count = 0;
        for (int word = 0; word < _words.Count; word++)
        {
            if (!_segment.Slots(word).IsEmpty)
            {
                _order[count] = word;
                _upper[count++] = -Bm25.Part(_statistics.Idf(word), _words[word].Times, _segment.MostTimes(word), _segment.LeastNorm);
            }
        }

        Array.Sort(_upper, _order, 0, count);
        _rest[count] = 0;
        for (int i = count - 1; i >= 0; i--)
        {
            _rest[i] = _rest[i + 1] - _upper[i];
        }

        return count;
    }

    /// <summary>Sums word by word, until the words left cannot bring a text that has none of those summed among the best.</summary>
    /// <returns>How many words were summed.</returns>
    private int Sum(int count, ReadOnlySpan<ulong> wanted)
    {
        _floorOfSegment = Math.Max(_floor.Value, _best.Least);
        int touched = 0;
        for (int i = 0; i < count; i++)
        {
            int word = _order[i];
            if (i > 0)
            {
                // Sums so far are lower bounds. They are looked at when that is less work than what it may save.
                int slots = _segment.Slots(word).Count();
                if (touched <= slots)
                {
                    RaiseFloor(wanted);
                }

                if (!Reaches(_rest[i], _floorOfSegment))
                {
                    return i;
                }
            }
            else if (!Reaches(_rest[0], _floorOfSegment))
            {
                return 0;
            }

            _sums.Add(_segment, word, _statistics.Idf(word), _words[word].Times);
            touched += _segment.Slots(word).Count();
        }

        return count;
    }

    private void RaiseFloor(ReadOnlySpan<ulong> wanted)
    {
        _partialFloor.Begin(_partialFloor.Limit);
        for (int i = 0; i < wanted.Length; i++)
        {
            for (ulong bits = _sums.Touched[i] & wanted[i]; bits != 0; bits &= bits - 1)
            {
                _partialFloor.Add(_sums[(i * 64) + BitOperations.TrailingZeroCount(bits)]);
            }
        }

        _floorOfSegment = Math.Max(_floorOfSegment, _partialFloor.Value);
    }

    /// <summary>Completes the sums that may be among the best, and clears all.</summary>
    private void Collect(SegmentView view, ReadOnlySpan<ulong> wanted, int summed, int count, bool looksAtAll)
    {
        ReadOnlySpan<ulong> live = view.Live;
        for (int i = 0; i < live.Length; i++)
        {
            for (ulong bits = _sums.Touched[i]; bits != 0; bits &= bits - 1)
            {
                int slot = (i * 64) + BitOperations.TrailingZeroCount(bits);
                double sum = _sums[slot];
                _sums.Clear(slot);
                if (Has(wanted, slot))
                {
                    if (Complete(slot, ref sum, summed, count, _floorOfSegment))
                    {
                        _found.Add((slot, sum));
                        _floor.Add(sum);
                        _floorOfSegment = Math.Max(_floorOfSegment, _floor.Value);
                    }
                }
                else if (looksAtAll && Has(live, slot) && Complete(slot, ref sum, summed, count, _most))
                {
                    _most = Math.Max(_most, Score(slot));
                }
            }
        }

        _sums.ClearTouched();
    }

    private bool Complete(int slot, ref double sum, int summed, int count, double floor)
    {
        for (int i = summed; i < count; i++)
        {
            if (!Reaches(sum + _rest[i], floor))
            {
                return false;
            }

            int word = _order[i];
            if (_segment.Slots(word).Contains(slot))
            {
                sum += Bm25.Part(_statistics.Idf(word), _words[word].Times, _segment.Times(word, slot), _segment.Norm(slot));
            }
        }

        return Reaches(sum, floor);
    }
}
