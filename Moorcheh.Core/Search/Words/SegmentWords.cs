using Moorcheh.Index;
using Moorcheh.Index.Postings;

namespace Moorcheh.Search.Words;

/// <summary>The postings of a query's words in one segment, found once. Reused for the next segment.</summary>
internal sealed class SegmentWords
{
    // Of each word its slots, and then those of each bit of its counts.
    private SlotSet[] _sets = [];
    private SegmentView _segment = null!;
    private int _stride;
    private double _mean;
    private double _fixedNorm;
    private double _normPerWord;

    /// <summary>No text of the segment adds less to the counts of its words.</summary>
    public double LeastNorm { get; private set; }

    /// <summary>Goes to a segment.</summary>
    public void Load(SegmentView segment, QueryWords words, WordStatistics statistics)
    {
        _segment = segment;
        _mean = statistics.MeanLength;
        _stride = 1 + segment.Postings.CountBits;
        LeastNorm = Bm25.Norm(segment.ShortestText, _mean);
        _fixedNorm = Bm25.K1 * (1 - Bm25.B);
        _normPerWord = Bm25.K1 * Bm25.B / _mean;
        if (_sets.Length < words.Count * _stride)
        {
            _sets = new SlotSet[words.Count * _stride];
        }

        for (int word = 0; word < words.Count; word++)
        {
            ulong term = words[word].Term;
            SlotSet slots = segment.Postings.Find(term);
            _sets[word * _stride] = slots;
            for (int bit = 0; bit < _stride - 1; bit++)
            {
                _sets[(word * _stride) + 1 + bit] = slots.IsEmpty ? default : segment.Postings.Find(ItemTerms.CountBit(term, bit));
            }
        }
    }

    /// <summary>Forgets the segment.</summary>
    public void Clear()
    {
        Array.Clear(_sets);
        _segment = null!;
    }

    /// <summary>The slots that have a word.</summary>
    public SlotSet Slots(int word) => _sets[word * _stride];

    /// <summary>The slots with this bit in how often more than once they have a word.</summary>
    public ReadOnlySpan<SlotSet> Bits(int word) => _sets.AsSpan((word * _stride) + 1, _stride - 1);

    /// <summary>No text has a word more often.</summary>
    public int MostTimes(int word)
    {
        long most = 1;
        ReadOnlySpan<SlotSet> bits = Bits(word);
        for (int bit = 0; bit < bits.Length; bit++)
        {
            most += bits[bit].IsEmpty ? 0 : 1L << bit;
        }

        return (int)Math.Min(most, int.MaxValue);
    }

    /// <summary>How often a slot that has a word has it.</summary>
    public int Times(int word, int slot)
    {
        int times = 1;
        ReadOnlySpan<SlotSet> bits = Bits(word);
        for (int bit = 0; bit < bits.Length; bit++)
        {
            times += !bits[bit].IsEmpty && bits[bit].Contains(slot) ? 1 << bit : 0;
        }

        return times;
    }

    /// <summary>What the length of a text adds to the counts of its words.</summary>
    public double Norm(int slot) => Bm25.Norm(_segment.Postings.Lengths[slot], _mean);

    /// <summary>As <see cref="Norm"/> to within rounding, with one division less: for sums that only choose what is scored.</summary>
    /// <param name="length">Words of the text.</param>
    public double RoughNorm(int length) => _fixedNorm + (_normPerWord * length);

    /// <summary>Words of the text of each slot.</summary>
    public ReadOnlySpan<int> Lengths => _segment.Postings.Lengths;

    /// <summary>The score of a slot, not rounded.</summary>
    public double Score(QueryWords words, WordStatistics statistics, int slot)
    {
        double norm = Norm(slot);
        double score = 0;
        for (int word = 0; word < words.Count; word++)
        {
            if (Slots(word).Contains(slot))
            {
                score += Bm25.Part(statistics.Idf(word), words[word].Times, Times(word, slot), norm);
            }
        }

        return score;
    }
}
