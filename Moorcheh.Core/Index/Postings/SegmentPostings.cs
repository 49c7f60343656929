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
    private int _count;

    /// <summary>Slots covered: one more than the last added.</summary>
    public int Count => _count;

    /// <summary>Bytes taken.</summary>
    public long Bytes => _table.Bytes;

    /// <summary>Adds the terms of an item.</summary>
    /// <param name="slot">Greater than all slots added before.</param>
    /// <param name="metadata">A JSON object in UTF-8; empty for none.</param>
    /// <param name="text">UTF-8; empty for none.</param>
    public void Add(int slot, ReadOnlySpan<byte> metadata, ReadOnlySpan<byte> text)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(slot, _count);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(slot, MaxSlots);
        _terms.Clear();
        ItemTerms.Collect(metadata, text, _terms);
        foreach (ulong term in _terms)
        {
            _table.Add(term, (ushort)slot);
        }

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

    /// <summary>The slots added so far, for readers on any thread while the writer goes on.</summary>
    public IPostings View() => new HeadView(_table, _count);

    /// <summary>The slots added so far, packed.</summary>
    public SealedPostings Seal() => SealedPostings.Create(_table, _count);

    private sealed class HeadView(PostingTable table, int count) : IPostings
    {
        public int Count => count;

        public bool AndInto(ulong term, Span<ulong> mask) => table.AndInto(term, count, mask);

        public SealedPostings Pack() => SealedPostings.Create(table, count);
    }
}
