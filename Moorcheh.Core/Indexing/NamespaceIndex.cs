namespace Moorcheh.Indexing;

/// <summary>
/// The codes and ids of a namespace. One writer at a time changes it and publishes; searches read <see cref="Snapshot"/> and never
/// wait. Looking up ids takes a short lock.
/// </summary>
/// <param name="seed">Chooses the rotation.</param>
/// <param name="directory">Where files of sealed segments go; null keeps everything in memory.</param>
internal sealed class NamespaceIndex(ulong seed, string? directory) : IIdSource
{
    // A centre from this many vectors is as good as one from all; below it, it is renewed each time the namespace grew eightfold.
    private const int EnoughForCentre = 2048;
    private const int FirstCentre = 64;
    private const int Growth = 8;

    private readonly Lock _lock = new();
    private readonly List<Segment> _segments = [];
    private readonly List<SegmentView> _views = [];
    private readonly HashSet<int> _changed = [];
    private IdMap _map = null!;
    private RotationSigns? _rotation;
    private double[] _sum = [];
    private long _summed;
    private int _centredOn;
    private float[] _unit = [];
    private float[] _scratch = [];
    private int _dimension;
    private long _count;
    private volatile IndexSnapshot _snapshot = IndexSnapshot.Empty;

    /// <summary>What searches see.</summary>
    public IndexSnapshot Snapshot => _snapshot;

    /// <summary>Items, published or not.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>
    /// True when the index should be built anew from the vectors: a young one around a better centre, or one that deletes have
    /// left with far more segments than it needs.
    /// </summary>
    public bool WantsRebuild
    {
        get
        {
            lock (_lock)
            {
                bool isYoung = _segments.Count == 1 && _centredOn < EnoughForCentre && _count >= Math.Max(FirstCentre, (long)_centredOn * Growth);
                return isYoung || _segments.Count > (2 * ((_count / Segment.Capacity) + 1)) + 2;
            }
        }
    }

    ReadOnlySpan<byte> IIdSource.Id(int place) => _segments[place / Segment.Capacity].Id(place % Segment.Capacity);

    /// <summary>The record number of an item, published or not; -1 when there is none.</summary>
    public long FindRecord(ReadOnlySpan<byte> id)
    {
        lock (_lock)
        {
            int place = _count == 0 ? -1 : _map.Find(id);
            return place < 0 ? -1 : _segments[place / Segment.Capacity].RecordNumber(place % Segment.Capacity);
        }
    }

    /// <summary>Adds an item, in place of the one of the same id if there is one.</summary>
    /// <returns>The record number of the replaced item; -1 when the id is new.</returns>
    public long Put(
        ReadOnlySpan<byte> id, ReadOnlySpan<float> vector, long recordNumber, ReadOnlySpan<byte> metadata, ReadOnlySpan<byte> text)
    {
        lock (_lock)
        {
            if (_dimension != vector.Length)
            {
                // Only an empty namespace may change its dimension, and then nothing of the old one is left.
                Reset(vector.Length);
            }

            UnitVector.Write(vector, _unit);
            for (int i = 0; i < _dimension; i++)
            {
                _sum[i] += _unit[i];
            }

            _summed++;
            long replaced = RemoveCore(id);
            if (_segments.Count == 0 || _segments[^1].IsFull)
            {
                if (_segments.Count > 0)
                {
                    _segments[^1].Seal(directory);
                    _changed.Add(_segments.Count - 1);
                }

                _segments.Add(new Segment(_dimension, NewCentre(), _rotation!));
                _views.Add(_segments[^1].View());
            }

            int segment = _segments.Count - 1;
            int slot = _segments[segment].Append(id, _unit, recordNumber, metadata, text, _scratch);
            _changed.Add(segment);
            _map.Set(id, (segment * Segment.Capacity) + slot);
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

    /// <summary>The record numbers of all items, published or not, segment by segment.</summary>
    public List<long> LiveRecords()
    {
        lock (_lock)
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
    }

    /// <summary>An empty index around the mean of all vectors seen here, to be filled by <see cref="Put"/> and taken over by <see cref="Adopt"/>.</summary>
    public NamespaceIndex StartRebuild()
    {
        lock (_lock)
        {
            var fresh = new NamespaceIndex(seed, directory);
            fresh.Reset(_dimension);
            _sum.CopyTo(fresh._sum, 0);
            fresh._summed = _summed;
            fresh._centredOn = (int)Math.Min(_count, int.MaxValue);
            return fresh;
        }
    }

    /// <summary>A segment with so many dead slots that it should be rewritten; -1 when there is none.</summary>
    public int FindSparse()
    {
        lock (_lock)
        {
            return _segments.FindIndex(segment => segment.IsSparse);
        }
    }

    /// <summary>One of the segments; for the writer.</summary>
    public Segment SegmentAt(int segment)
    {
        lock (_lock)
        {
            return _segments[segment];
        }
    }

    /// <summary>Puts a rewritten segment in the place of the one it was made from. Publish afterwards.</summary>
    /// <param name="segment">Its position.</param>
    /// <param name="rewritten">From <see cref="Segment.Rewrite"/>.</param>
    /// <param name="newSlots">Likewise.</param>
    public void Replace(int segment, Segment rewritten, int[] newSlots)
    {
        lock (_lock)
        {
            if (segment < _segments.Count - 1)
            {
                rewritten.Seal(directory);
            }

            _segments[segment] = rewritten;
            _map.Renumber(segment * Segment.Capacity, newSlots);
            _changed.Add(segment);
        }
    }

    /// <summary>Takes over the content of another index, which is not used any more. Publish afterwards.</summary>
    public void Adopt(NamespaceIndex other)
    {
        lock (_lock)
        {
            _segments.Clear();
            _segments.AddRange(other._segments);
            _views.Clear();
            _views.AddRange(other._views);
            _changed.Clear();
            _changed.UnionWith(Enumerable.Range(0, _segments.Count));
            _map = new IdMap(this);
            _centredOn = other._centredOn;
            Interlocked.Exchange(ref _count, other._count);
            for (int segment = 0; segment < _segments.Count; segment++)
            {
                MapSlots(segment);
            }
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

    private void Reset(int dimension)
    {
        _segments.Clear();
        _views.Clear();
        _changed.Clear();
        _map = new IdMap(this);
        _rotation = new RotationSigns(dimension, seed);
        _sum = new double[dimension];
        _summed = 0;
        _centredOn = 0;
        _unit = new float[dimension];
        _scratch = new float[_rotation.PaddedDimension];
        _dimension = dimension;
    }

    /// <summary>The mean of the vectors so far; zero while there are too few to tell.</summary>
    private float[] NewCentre()
    {
        float[] centre = new float[_dimension];
        if (_summed >= FirstCentre)
        {
            for (int i = 0; i < _dimension; i++)
            {
                centre[i] = (float)(_sum[i] / _summed);
            }
        }

        return centre;
    }

    private void MapSlots(int segment)
    {
        for (int slot = 0; slot < _segments[segment].Count; slot++)
        {
            if (_segments[segment].IsLive(slot))
            {
                _map.Set(_segments[segment].Id(slot), (segment * Segment.Capacity) + slot);
            }
        }
    }

    private long RemoveCore(ReadOnlySpan<byte> id)
    {
        int place = _count == 0 ? -1 : _map.Find(id);
        if (place < 0)
        {
            return -1;
        }

        Segment segment = _segments[place / Segment.Capacity];
        long record = segment.RecordNumber(place % Segment.Capacity);
        segment.Kill(place % Segment.Capacity);
        _changed.Add(place / Segment.Capacity);
        _map.Remove(id);
        _count--;
        return record;
    }
}
