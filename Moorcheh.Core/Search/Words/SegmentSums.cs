using System.Numerics;
using Moorcheh.Index;
using Moorcheh.Index.Postings;

namespace Moorcheh.Search.Words;

/// <summary>Running sums of scores of the slots of a segment, and which slots have any.</summary>
internal sealed class SegmentSums
{
    private readonly double[] _sums = new double[Segment.Capacity];
    private readonly ulong[] _touched = new ulong[Segment.Capacity / 64];

    /// <summary>A bit a slot with a sum.</summary>
    public ReadOnlySpan<ulong> Touched => _touched;

    public double this[int slot] => _sums[slot];

    /// <summary>Adds a word of the query to all slots that have it.</summary>
    public void Add(SegmentWords words, int word, double idf, int inQuery)
    {
        SlotSet slots = words.Slots(word);
        ReadOnlySpan<int> lengths = words.Lengths;
        double most = inQuery * idf * (Bm25.K1 + 1);
        for (int i = 0; i < slots.WordCount; i++)
        {
            ulong bits = slots.Word(i);
            _touched[i] |= bits;
            for (; bits != 0; bits &= bits - 1)
            {
                int slot = (i * 64) + BitOperations.TrailingZeroCount(bits);
                _sums[slot] += most / (1 + words.RoughNorm(lengths[slot]));
            }
        }

        foreach (ushort slot in slots.List)
        {
            _touched[slot / 64] |= 1UL << (slot % 64);
            _sums[slot] += most / (1 + words.RoughNorm(lengths[slot]));
        }

        AddRepeats(words, word, idf, inQuery);
    }

    /// <summary>Forgets a slot.</summary>
    public void Clear(int slot) => _sums[slot] = 0;

    /// <summary>Forgets that slots were touched; their sums are cleared one by one.</summary>
    public void ClearTouched() => Array.Clear(_touched);

    /// <summary>Adds what the slots are due that have a word several times; each is met at the lowest bit of its count.</summary>
    private void AddRepeats(SegmentWords words, int word, double idf, int inQuery)
    {
        ReadOnlySpan<SlotSet> bits = words.Bits(word);
        for (int bit = 0; bit < bits.Length; bit++)
        {
            for (int i = 0; i < bits[bit].WordCount; i++)
            {
                for (ulong left = bits[bit].Word(i); left != 0; left &= left - 1)
                {
                    AddRepeat(words, word, idf, inQuery, bit, (i * 64) + BitOperations.TrailingZeroCount(left));
                }
            }

            foreach (ushort slot in bits[bit].List)
            {
                AddRepeat(words, word, idf, inQuery, bit, slot);
            }
        }
    }

    private void AddRepeat(SegmentWords words, int word, double idf, int inQuery, int bit, int slot)
    {
        int times = words.Times(word, slot);
        if (BitOperations.TrailingZeroCount(times - 1) == bit)
        {
            double norm = words.Norm(slot);
            _sums[slot] += Bm25.Part(idf, inQuery, times, norm) - Bm25.Part(idf, inQuery, 1, norm);
        }
    }
}
