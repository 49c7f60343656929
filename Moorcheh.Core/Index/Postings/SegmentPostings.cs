using System.Numerics;
using System.Runtime.InteropServices;

namespace Moorcheh.Index.Postings;

/// <summary>
/// The terms of the items in a segment that is being filled. One writer adds slots; readers work on a <see cref="View"/> and see the
/// slots added before it was taken. Slots whose items have no terms take no memory.
/// </summary>
internal sealed class SegmentPostings
{
    /// <summary>Most slots: their numbers are kept in 16 bits.</summary>
    public const int MaxSlots = 1 << 16;

    // A text of the greatest size has more terms than should stay reserved for the next one.
    private const int MaxKeptTerms = 16_384;

    private readonly PostingTable _table = new();
    private List<ulong> _terms = [];
    private int[] _lengths = [];
    private int _lengthCount;
    private int _countBits;
    private int _count;

    /// <summary>Slots covered: one more than the last added.</summary>
    public int Count => _count;

    /// <summary>Bytes taken.</summary>
    public long Bytes => _table.Bytes + (_lengths.Length * (long)sizeof(int));

    /// <summary>Adds the terms of an item.</summary>
    /// <param name="slot">Greater than all slots added before.</param>
    /// <param name="metadata">A JSON object in UTF-8; empty for none.</param>
    /// <param name="text">UTF-8; empty for none.</param>
    public void Add(int slot, ReadOnlySpan<byte> metadata, ReadOnlySpan<byte> text)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(slot, _count);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(slot, MaxSlots);
        _terms.Clear();
        ItemTerms.CollectMetadata(metadata, _terms);
        foreach (ulong term in _terms)
        {
            _table.Add(term, (ushort)slot);
        }

        AddWords(slot, text);
        _count = slot + 1;
        if (_terms.Capacity > MaxKeptTerms)
        {
            _terms = [];
        }
    }

    /// <summary>Adds one term of a slot that is not below the last one this term was added for.</summary>
    public void Add(int slot, ulong term)
    {
        _table.Add(term, (ushort)slot);
        _count = Math.Max(_count, slot + 1);
    }

    /// <summary>Adds what another segment knows of the texts of slots that are kept.</summary>
    /// <param name="lengths">Words of each slot.</param>
    /// <param name="newSlots">For each slot its new one, in increasing order; negative for slots left out.</param>
    /// <param name="countBits">Of the other segment.</param>
    public void AddLengths(ReadOnlySpan<int> lengths, ReadOnlySpan<int> newSlots, int countBits)
    {
        _countBits = Math.Max(_countBits, countBits);
        for (int slot = 0; slot < lengths.Length; slot++)
        {
            if (newSlots[slot] >= 0 && lengths[slot] > 0)
            {
                SetLength(newSlots[slot], lengths[slot]);
            }
        }
    }

    /// <summary>The slots added so far, for readers on any thread while the writer goes on.</summary>
    public IPostings View() => new HeadView(_table, _count, _countBits, _lengths.AsMemory(0, _lengthCount));

    /// <summary>The slots added so far, packed.</summary>
    public SealedPostings Seal() => View().Pack();

    private void AddWords(int slot, ReadOnlySpan<byte> text)
    {
        _terms.Clear();
        ItemTerms.CollectWords(text, _terms);
        if (_terms.Count == 0)
        {
            return;
        }

        SetLength(slot, _terms.Count);
        Span<ulong> words = CollectionsMarshal.AsSpan(_terms);
        words.Sort();
        for (int start = 0, end; start < words.Length; start = end)
        {
            ulong word = words[start];
            for (end = start + 1; end < words.Length && words[end] == word;)
            {
                end++;
            }

            _table.Add(word, (ushort)slot);
            uint more = (uint)(end - start - 1);
            _countBits = Math.Max(_countBits, 32 - BitOperations.LeadingZeroCount(more));
            for (; more != 0; more &= more - 1)
            {
                _table.Add(ItemTerms.CountBit(word, BitOperations.TrailingZeroCount(more)), (ushort)slot);
            }
        }
    }

    private void SetLength(int slot, int words)
    {
        if (slot >= _lengths.Length)
        {
            // Readers keep the array of their view.
            Array.Resize(ref _lengths, Math.Min(Math.Max(16, (slot + 1) * 2), MaxSlots));
        }

        _lengths[slot] = words;
        _lengthCount = Math.Max(_lengthCount, slot + 1);
        _count = Math.Max(_count, slot + 1);
    }

    private sealed class HeadView(PostingTable table, int count, int countBits, ReadOnlyMemory<int> lengths) : IPostings
    {
        public int Count => count;

        public ReadOnlySpan<int> Lengths => lengths.Span;

        public int CountBits => countBits;

        public SlotSet Find(ulong term) => table.Find(term, count);

        public bool AndInto(ulong term, Span<ulong> mask) => table.AndInto(term, count, mask);

        public SealedPostings Pack() => SealedPostings.Create(table, count, countBits, lengths.Span);
    }
}
