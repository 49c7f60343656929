using Moorcheh.Index.Postings;

namespace Moorcheh.Index;

/// <summary>The segments of an index by position, and the place of each id in them. Used under the lock of its index.</summary>
/// <remarks>Places keep their segment's position, so a position that became free holds an empty segment until a new one takes it.</remarks>
internal sealed class SegmentSet : IIdSource
{
    // Two sealed segments whose items fill less than this part of one are put together.
    private const int MergedSlots = Segment.Capacity / 4 * 3;

    private readonly List<Segment> _segments = [];
    private readonly List<SegmentView> _views = [];
    private readonly HashSet<int> _changed = [];
    private int _head = -1;
    private IdMap? _map;
    private long _count;

    /// <summary>No segments.</summary>
    public SegmentSet()
    {
    }

    /// <summary>Segments that were read from files.</summary>
    /// <param name="segments">By position.</param>
    /// <param name="head">Position of the one that grows; -1 for none.</param>
    public SegmentSet(IReadOnlyList<Segment> segments, int head)
    {
        _segments.AddRange(segments);
        _views.AddRange(_segments.Select(segment => segment.View()));
        _head = head;
        _count = _segments.Sum(segment => (long)segment.LiveCount);
        _map = new IdMap(this, _count);
        for (int position = 0; position < _segments.Count; position++)
        {
            for (int slot = 0; slot < _segments[position].Count; slot++)
            {
                if (_segments[position].IsLive(slot))
                {
                    _map.Set(_segments[position].Id(slot), PlaceOf(position, slot));
                }
            }
        }
    }

    /// <summary>By position.</summary>
    public IReadOnlyList<Segment> Segments => _segments;

    /// <summary>Items. May be asked without the lock.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>The segment that grows; null for none.</summary>
    public Segment? Head => _head < 0 ? null : _segments[_head];

    /// <summary>Position of the segment that grows; -1 when there is none, or nothing can be added to it.</summary>
    public int OpenHead => Head is { IsFull: false, IsSealed: false } ? _head : -1;

    ReadOnlySpan<byte> IIdSource.Id(int place) => _segments[place / Segment.Capacity].Id(place % Segment.Capacity);

    /// <summary>The record number of an item; -1 when there is none.</summary>
    public long FindRecord(ReadOnlySpan<byte> id)
    {
        int place = Find(id);
        return place < 0 ? -1 : _segments[place / Segment.Capacity].RecordNumber(place % Segment.Capacity);
    }

    /// <summary>Makes an empty segment the one that grows, in a position that holds an empty one, or in a new position.</summary>
    public Segment Begin(Segment segment)
    {
        _head = _segments.FindIndex(candidate => candidate.Count == 0);
        if (_head < 0)
        {
            _head = _segments.Count;
            _segments.Add(segment);
            _views.Add(segment.View());
        }
        else
        {
            _segments[_head] = segment;
        }

        return segment;
    }

    /// <summary>Notes an item that was appended to the segment that grows; its id must be new.</summary>
    public void Added(ReadOnlySpan<byte> id, int slot)
    {
        _changed.Add(_head);
        _map ??= new IdMap(this);
        _map.Set(id, PlaceOf(_head, slot));
        _count++;
    }

    /// <summary>Removes an item.</summary>
    /// <returns>Its record number; -1 when there is none of that id.</returns>
    public long Remove(ReadOnlySpan<byte> id)
    {
        int place = Find(id);
        if (place < 0)
        {
            return -1;
        }

        Segment segment = _segments[place / Segment.Capacity];
        long record = segment.RecordNumber(place % Segment.Capacity);
        segment.Kill(place % Segment.Capacity);
        _changed.Add(place / Segment.Capacity);
        _map!.Remove(id);
        _count--;
        return record;
    }

    /// <summary>The record numbers of all items, segment by segment.</summary>
    public List<long> LiveRecords()
    {
        List<long> records = new((int)Math.Min(_count, Array.MaxLength));
        foreach (Segment segment in _segments)
        {
            for (int slot = 0; slot < segment.Count; slot++)
            {
                if (segment.IsLive(slot))
                {
                    records.Add(segment.RecordNumber(slot));
                }
            }
        }

        return records;
    }

    /// <summary>The first segment that nothing is added to any more and that is not sealed yet, as it is now.</summary>
    public (Segment Segment, SegmentView View)? FindUnsealed()
    {
        Segment? growing = Head is { IsFull: false } head ? head : null;
        return _segments.Find(segment => segment is { Count: > 0, IsSealed: false } && segment != growing) is { } found
            ? (found, found.View())
            : null;
    }

    /// <summary>The first sealed segment with many dead slots, as it is now.</summary>
    public (Segment Segment, SegmentView View)? FindSparse() =>
        _segments.Find(segment => segment is { IsSealed: true, IsSparse: true }) is { } found ? (found, found.View()) : null;

    /// <summary>The two smallest sealed segments, as they are now, when they fit into one.</summary>
    public (Segment Into, SegmentView IntoView, Segment From, SegmentView FromView)? FindMergeable()
    {
        IEnumerable<Segment> filled = _segments.Where(segment => segment is { IsSealed: true, Count: > 0 });
        Segment[] smallest = [.. filled.OrderBy(segment => segment.LiveCount).Take(2)];
        return smallest.Length == 2 && smallest[0].LiveCount + smallest[1].LiveCount <= MergedSlots && smallest[1].IsNear(smallest[0])
            ? (smallest[1], smallest[1].View(), smallest[0], smallest[0].View())
            : null;
    }

    /// <summary>Seals a segment.</summary>
    /// <returns>False when it is not part of the set any more.</returns>
    public bool TrySeal(Segment segment, SealedPostings postings, ValueRun values, IByteRows rows, Guid file)
    {
        int position = _segments.IndexOf(segment);
        if (position < 0)
        {
            return false;
        }

        segment.Seal(postings, values, rows);
        segment.File = file;
        _changed.Add(position);
        return true;
    }

    /// <summary>Notes a change of all segments.</summary>
    public void ChangeAll() => _changed.UnionWith(Enumerable.Range(0, _segments.Count));

    /// <summary>Puts a rewritten segment in the place of the one that grows.</summary>
    public void ReplaceHead(Segment rewritten, int[] newSlots) => Replace(_head, rewritten, newSlots);

    /// <summary>Puts a rewritten segment in the place of the one it was made from; what was removed since is dead in it, too.</summary>
    /// <returns>False when that is not part of the set any more.</returns>
    public bool TryReplace(Segment segment, Segment rewritten, int[] newSlots)
    {
        int position = _segments.IndexOf(segment);
        if (position < 0)
        {
            return false;
        }

        KillRemoved(segment, rewritten, newSlots);
        Replace(position, rewritten, newSlots);
        return true;
    }

    /// <summary>Puts one segment in the place of two; what was removed since is dead in it, too.</summary>
    /// <returns>False when one of them is not part of the set any more.</returns>
    public bool TryMerge(Segment into, Segment from, Segment merged, int[] intoSlots, int[] fromSlots)
    {
        int position = _segments.IndexOf(into);
        int freed = _segments.IndexOf(from);
        if (position < 0 || freed < 0)
        {
            return false;
        }

        KillRemoved(into, merged, intoSlots);
        KillRemoved(from, merged, fromSlots);
        Replace(position, merged, intoSlots);
        for (int slot = 0; slot < from.Count; slot++)
        {
            if (from.IsLive(slot))
            {
                _map!.Set(from.Id(slot), PlaceOf(position, fromSlots[slot]));
            }
        }

        _segments[freed] = new Segment(into.Dimension, into.Centre, into.Rotation);
        _changed.Add(freed);
        return true;
    }

    /// <summary>Removes the items of records.</summary>
    /// <returns>True.</returns>
    public bool RemoveRecords(IReadOnlySet<long> records)
    {
        foreach (Segment segment in _segments)
        {
            for (int slot = 0; slot < segment.Count; slot++)
            {
                if (segment.IsLive(slot) && records.Contains(segment.RecordNumber(slot)))
                {
                    Remove(segment.Id(slot));
                }
            }
        }

        return true;
    }

    /// <summary>All segments as they are now, for readers.</summary>
    public IReadOnlyList<SegmentView> Publish()
    {
        foreach (int position in _changed)
        {
            _views[position] = _segments[position].View();
        }

        _changed.Clear();
        return [.. _views];
    }

    private static int PlaceOf(int position, int slot) => (position * Segment.Capacity) + slot;

    private static void KillRemoved(Segment old, Segment rewritten, int[] newSlots)
    {
        for (int slot = 0; slot < newSlots.Length; slot++)
        {
            if (newSlots[slot] >= 0 && !old.IsLive(slot))
            {
                rewritten.Kill(newSlots[slot]);
            }
        }
    }

    private int Find(ReadOnlySpan<byte> id) => _count == 0 ? -1 : _map!.Find(id);

    private void Replace(int position, Segment rewritten, int[] newSlots)
    {
        _segments[position] = rewritten;
        _map!.Renumber(PlaceOf(position, 0), newSlots);
        _changed.Add(position);
    }
}
