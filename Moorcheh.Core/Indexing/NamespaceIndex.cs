namespace Moorcheh.Indexing;

/// <summary>
/// The vectors and ids of a namespace. One writer at a time changes it and publishes; searches read <see cref="Snapshot"/> and
/// never wait. Looking up ids takes a short lock.
/// </summary>
internal sealed class NamespaceIndex
{
    private readonly Lock _lock = new();
    private readonly List<Segment> _segments = [];
    private readonly List<SegmentView> _views = [];
    private readonly IdMap _map = new();
    private readonly HashSet<int> _changed = [];
    private int _dimension;
    private long _count;
    private volatile IndexSnapshot _snapshot = IndexSnapshot.Empty;

    /// <summary>What searches see.</summary>
    public IndexSnapshot Snapshot => _snapshot;

    /// <summary>Items, published or not.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>The record number of an item, published or not; -1 when there is none.</summary>
    public long FindRecord(ReadOnlySpan<byte> id)
    {
        lock (_lock)
        {
            int place = FindPlace(id);
            return place < 0 ? -1 : _segments[place / Segment.Capacity].RecordNumber(place % Segment.Capacity);
        }
    }

    /// <summary>Adds an item, in place of the one of the same id if there is one.</summary>
    /// <returns>The record number of the replaced item; -1 when the id is new.</returns>
    public long Put(ReadOnlySpan<byte> id, ReadOnlySpan<float> vector, long recordNumber)
    {
        lock (_lock)
        {
            if (_dimension != vector.Length)
            {
                // Only an empty namespace may change its dimension, and then nothing of the old one is left.
                _segments.Clear();
                _views.Clear();
                _changed.Clear();
                _dimension = vector.Length;
            }

            long replaced = RemoveCore(id);
            if (_segments.Count == 0 || _segments[^1].IsFull)
            {
                _segments.Add(new Segment(_dimension));
                _views.Add(_segments[^1].View());
            }

            int segment = _segments.Count - 1;
            int slot = _segments[segment].Append(id, vector, recordNumber);
            _changed.Add(segment);
            _map.Add(OrdinalUtf8.Hash(id), (segment * Segment.Capacity) + slot);
            _count++;
            return replaced;
        }
    }

    /// <summary>Removes an item.</summary>
    /// <returns>Its record number; -1 when there is none of that id.</returns>
    public long Remove(ReadOnlySpan<byte> id)
    {
        lock (_lock)
        {
            return RemoveCore(id);
        }
    }

    /// <summary>Makes all changes so far visible to searches, in one step.</summary>
    public void Publish()
    {
        lock (_lock)
        {
            foreach (int segment in _changed)
            {
                _views[segment] = _segments[segment].View();
            }

            _changed.Clear();
            _snapshot = new IndexSnapshot([.. _views], _count, _dimension);
        }
    }

    private long RemoveCore(ReadOnlySpan<byte> id)
    {
        int place = FindPlace(id);
        if (place < 0)
        {
            return -1;
        }

        Segment segment = _segments[place / Segment.Capacity];
        segment.Kill(place % Segment.Capacity);
        _changed.Add(place / Segment.Capacity);
        _map.Remove(OrdinalUtf8.Hash(id), place);
        _count--;
        return segment.RecordNumber(place % Segment.Capacity);
    }

    private int FindPlace(ReadOnlySpan<byte> id) =>
        _map.Find(OrdinalUtf8.Hash(id), new Sought(_segments, id), static (place, sought) =>
            sought.Segments[place / Segment.Capacity].Id(place % Segment.Capacity).SequenceEqual(sought.Id));

    private readonly ref struct Sought(List<Segment> segments, ReadOnlySpan<byte> id)
    {
        public readonly List<Segment> Segments = segments;
        public readonly ReadOnlySpan<byte> Id = id;
    }
}
