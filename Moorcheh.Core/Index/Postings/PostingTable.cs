namespace Moorcheh.Index.Postings;

/// <summary>
/// From terms to their slots while a segment is being filled: open addressing, 16 bytes a cell, up to three slots of a term within
/// its cell, because most terms of a text corpus are rare. One writer; readers take no lock.
/// </summary>
internal sealed class PostingTable
{
    private const int MinCells = 64;
    private const int MaxInline = 3;

    // Kind of a value, its lowest 16 bits: 1 to 3 slots in the 16 bits each above them, or the number of a list in the upper half.
    private const ushort ListKind = 4;

    private Cells _cells = new(MinCells);
    private PostingList[] _lists = [];
    private int _listCount;
    private int _used;

    /// <summary>Number of terms. For the writer.</summary>
    public int Terms => _used;

    /// <summary>Bytes taken. For the writer.</summary>
    public long Bytes =>
        (_cells.Terms.Length * 2L * sizeof(ulong)) + (_lists.Length * 8L) + _lists.Take(_listCount).Sum(list => (long)list.Bytes);

    /// <summary>Adds a slot to those of a term, unless it is there already. Slots come in increasing order.</summary>
    public void Add(ulong term, ushort slot)
    {
        if ((_used + 1) * 4L > _cells.Terms.Length * 3L)
        {
            Grow();
        }

        if (!_cells.Find(term, out int cell))
        {
            // The value first: a reader that finds the term finds its slot.
            Volatile.Write(ref _cells.Values[cell], ((ulong)slot << 16) | 1);
            Volatile.Write(ref _cells.Terms[cell], term);
            _used++;
            return;
        }

        ulong value = _cells.Values[cell];
        int kind = (ushort)value;
        if (kind == ListKind)
        {
            PostingList list = _lists[value >> 32];
            if (list.Last != slot)
            {
                list.Append(slot);
            }
        }
        else if (InlineSlot(value, kind - 1) == slot)
        {
            return;
        }
        else if (kind < MaxInline)
        {
            Volatile.Write(ref _cells.Values[cell], (value + 1) | ((ulong)slot << (16 * (kind + 1))));
        }
        else
        {
            var list = new PostingList([InlineSlot(value, 0), InlineSlot(value, 1), InlineSlot(value, 2)]);
            list.Append(slot);
            Volatile.Write(ref _cells.Values[cell], ((ulong)AddList(list) << 32) | ListKind);
        }
    }

    /// <summary>As <see cref="IPostings.AndInto"/>, for the slots below a limit. For readers.</summary>
    public bool AndInto(ulong term, int limit, Span<ulong> mask)
    {
        Cells cells = Volatile.Read(ref _cells);
        if (!cells.Find(term, out int cell))
        {
            mask.Clear();
            return false;
        }

        ulong value = Volatile.Read(ref cells.Values[cell]);
        int kind = (ushort)value;
        if (kind == ListKind)
        {
            return Volatile.Read(ref _lists)[value >> 32].AndInto(limit, mask);
        }

        Span<ushort> slots = [InlineSlot(value, 0), InlineSlot(value, 1), InlineSlot(value, 2)];
        return PostingMask.AndList(slots[..kind], limit, mask);
    }

    /// <summary>The slots of a term below a limit. For readers.</summary>
    public SlotSet Find(ulong term, int limit)
    {
        Cells cells = Volatile.Read(ref _cells);
        if (!cells.Find(term, out int cell))
        {
            return default;
        }

        ulong value = Volatile.Read(ref cells.Values[cell]);
        int kind = (ushort)value;
        return kind == ListKind
            ? Volatile.Read(ref _lists)[value >> 32].Below(limit)
            : SlotSet.Listed([InlineSlot(value, 0), InlineSlot(value, 1), InlineSlot(value, 2)], 0, kind, limit);
    }

    /// <summary>
    /// All terms that have slots below a limit, in increasing order, with the number of such slots. For readers: what is added meanwhile is
    /// not below the limit.
    /// </summary>
    public (ulong[] Terms, int[] Counts) Sorted(int limit)
    {
        Cells cells = Volatile.Read(ref _cells);
        List<ulong> terms = [];
        List<int> counts = [];
        for (int cell = 0; cell < cells.Terms.Length; cell++)
        {
            ulong term = Volatile.Read(ref cells.Terms[cell]);
            if (term == 0)
            {
                continue;
            }

            ulong value = Volatile.Read(ref cells.Values[cell]);
            int count = (ushort)value;
            if (count == ListKind)
            {
                count = Volatile.Read(ref _lists)[value >> 32].CountBelow(limit);
            }
            else
            {
                while (count > 0 && InlineSlot(value, count - 1) >= limit)
                {
                    count--;
                }
            }

            if (count > 0)
            {
                terms.Add(term);
                counts.Add(count);
            }
        }

        ulong[] sortedTerms = [.. terms];
        int[] sortedCounts = [.. counts];
        Array.Sort(sortedTerms, sortedCounts);
        return (sortedTerms, sortedCounts);
    }

    /// <summary>Copies the first slots of a term; there must be as many, at most <see cref="PostingList.MaxListed"/>. For readers.</summary>
    public void CopySlots(ulong term, Span<ushort> into)
    {
        Cells cells = Volatile.Read(ref _cells);
        cells.Find(term, out int cell);
        ulong value = Volatile.Read(ref cells.Values[cell]);
        if ((ushort)value == ListKind)
        {
            Volatile.Read(ref _lists)[value >> 32].CopyTo(into);
            return;
        }

        for (int i = 0; i < into.Length; i++)
        {
            into[i] = InlineSlot(value, i);
        }
    }

    private static ushort InlineSlot(ulong value, int index) => (ushort)(value >> (16 * (index + 1)));

    private int AddList(PostingList list)
    {
        if (_listCount == _lists.Length)
        {
            PostingList[] grown = new PostingList[Math.Max(16, _lists.Length * 2)];
            _lists.CopyTo(grown, 0);
            grown[_listCount] = list;
            Volatile.Write(ref _lists, grown);
        }
        else
        {
            _lists[_listCount] = list;
        }

        return _listCount++;
    }

    private void Grow()
    {
        var grown = new Cells(_cells.Terms.Length * 2);
        for (int cell = 0; cell < _cells.Terms.Length; cell++)
        {
            if (_cells.Terms[cell] != 0)
            {
                grown.Find(_cells.Terms[cell], out int free);
                grown.Terms[free] = _cells.Terms[cell];
                grown.Values[free] = _cells.Values[cell];
            }
        }

        Volatile.Write(ref _cells, grown);
    }

    private sealed class Cells(int size)
    {
        public ulong[] Terms { get; } = new ulong[size];

        public ulong[] Values { get; } = new ulong[size];

        /// <summary>Finds the cell of a term, or the free one where it belongs.</summary>
        public bool Find(ulong term, out int cell)
        {
            int mask = Terms.Length - 1;
            cell = (int)term & mask;
            while (true)
            {
                // Read once: the writer may take a free cell for another term at any time.
                ulong found = Volatile.Read(ref Terms[cell]);
                if (found == term || found == 0)
                {
                    return found == term;
                }

                cell = (cell + 1) & mask;
            }
        }
    }
}
