using System.Buffers;
using Moorcheh.Index.Postings;

namespace Moorcheh.Index;

/// <summary>
/// The codes and ids of a namespace. One writer at a time changes it and publishes; searches read <see cref="Snapshot"/> and never
/// wait. Looking up ids takes a short lock.
/// </summary>
/// <param name="seed">Chooses the rotation.</param>
internal sealed class NamespaceIndex(ulong seed) : IIdSource
{
    /// <summary>A centre from this many vectors is as good as one from all; below it, it is renewed each time the namespace grew eightfold.</summary>
    public const int EnoughForCentre = 2048;

    /// <summary>From fewer vectors there is no centre.</summary>
    public const int FirstCentre = 64;

    private const int Growth = 8;

    // Two sealed segments whose items fill less than this part of one are put together.
    private const int MergedSlots = Segment.Capacity / 4 * 3;

    private readonly Lock _lock = new();

    // Places keep their segment's position, so a position that became free holds an empty segment until a new one takes it.
    private readonly List<Segment> _segments = [];
    private readonly List<SegmentView> _views = [];
    private readonly HashSet<int> _changed = [];
    private int _head = -1;
    private IdMap _map = null!;
    private RotationSigns? _rotation;
    private double[] _sum = [];
    private long _summed;
    private int _centredOn;
    private int _dimension;
    private long _count;
    private long _version;
    private long _savedVersion = -1;
    private Guid _savedToken;
    private volatile IndexSnapshot _snapshot = IndexSnapshot.Empty;

    /// <summary>What searches see.</summary>
    public IndexSnapshot Snapshot => _snapshot;

    /// <summary>Items, published or not.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>True when a young index should be built anew around a better centre.</summary>
    public bool WantsRebuild
    {
        get
        {
            lock (_lock)
            {
                return _segments.Count == 1 && _centredOn < EnoughForCentre && _count >= Math.Max(FirstCentre, (long)_centredOn * Growth);
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

            // Not kept: a namespace of one long vector would consist of such buffers.
            float[] rented = ArrayPool<float>.Shared.Rent(_dimension + _rotation!.PaddedDimension);
            Span<float> unit = rented.AsSpan(0, _dimension);
            UnitVector.Write(vector, unit);
            AddToSum(unit);
            _version++;
            long replaced = RemoveCore(id);
            if (_head < 0 || !_segments[_head].Takes(recordNumber))
            {
                _head = Place(new Segment(_dimension, NewCentre(), _rotation));
            }

            Span<float> scratch = rented.AsSpan(_dimension, _rotation.PaddedDimension);
            int slot = _segments[_head].Append(id, unit, recordNumber, metadata, text, scratch);
            ArrayPool<float>.Shared.Return(rented);
            _changed.Add(_head);
            _map.Set(id, (_head * Segment.Capacity) + slot);
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
            var fresh = new NamespaceIndex(seed);
            fresh.Reset(_dimension);
            _sum.CopyTo(fresh._sum, 0);
            fresh._summed = _summed;
            fresh._centredOn = (int)Math.Min(_count, int.MaxValue);
            return fresh;
        }
    }

    /// <summary>Tells an empty index of a vector it is going to get, so that its first segment is encoded around the mean of those it was told.</summary>
    public void Expect(ReadOnlySpan<float> vector)
    {
        lock (_lock)
        {
            if (_dimension != vector.Length)
            {
                Reset(vector.Length);
            }

            if (_summed < EnoughForCentre)
            {
                float[] unit = ArrayPool<float>.Shared.Rent(_dimension);
                UnitVector.Write(vector, unit);
                AddToSum(unit.AsSpan(0, _dimension));
                ArrayPool<float>.Shared.Return(unit);
                _centredOn = (int)_summed;
            }
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
            _head = other._head;
            _centredOn = other._centredOn;
            _version++;
            Interlocked.Exchange(ref _count, other._count);
            MapAll();
        }
    }

    /// <summary>Rewrites the growing segment when many of its slots are dead. For the writer; publish afterwards.</summary>
    public void TidyHead()
    {
        Segment? head;
        lock (_lock)
        {
            head = _head < 0 ? null : _segments[_head];
        }

        if (head is { IsSparse: true, IsFull: false, IsSealed: false })
        {
            Segment rewritten = Segment.Rewrite(head.View(), out int[] newSlots);
            lock (_lock)
            {
                Replace(_head, rewritten, newSlots);
            }
        }
    }

    /// <summary>The first segment that nothing is added to any more and that is not sealed yet, as it is now; null when there is none.</summary>
    public (Segment Segment, SegmentView View)? FindUnsealed()
    {
        lock (_lock)
        {
            Segment? head = _head < 0 || _segments[_head].IsFull ? null : _segments[_head];
            return _segments.Find(segment => segment is { Count: > 0, IsSealed: false } && segment != head) is { } found
                ? (found, found.View())
                : null;
        }
    }

    /// <summary>True when there is a segment to seal or to rewrite, or there are two to put together.</summary>
    public bool HasWork => FindUnsealed() is not null || FindSparse() is not null || FindMergeable() is not null;

    /// <summary>The first sealed segment with many dead slots, as it is now; null when there is none.</summary>
    public (Segment Segment, SegmentView View)? FindSparse()
    {
        lock (_lock)
        {
            return _segments.Find(segment => segment is { IsSealed: true, IsSparse: true }) is { } found ? (found, found.View()) : null;
        }
    }

    /// <summary>The two smallest sealed segments, as they are now, when they fit into one; otherwise null.</summary>
    public (Segment Into, SegmentView IntoView, Segment From, SegmentView FromView)? FindMergeable()
    {
        lock (_lock)
        {
            Segment[] smallest = [.. _segments.Where(segment => segment is { IsSealed: true, Count: > 0 }).OrderBy(segment => segment.LiveCount).Take(2)];
            return smallest.Length == 2 && smallest[0].LiveCount + smallest[1].LiveCount <= MergedSlots && smallest[1].IsNear(smallest[0])
                ? (smallest[1], smallest[1].View(), smallest[0], smallest[0].View())
                : null;
        }
    }

    /// <summary>Seals a full segment. No writer may be at work.</summary>
    /// <param name="segment">From <see cref="FindUnsealed"/>.</param>
    /// <param name="postings">Its postings, packed.</param>
    /// <param name="rows">Its eight-bit codes.</param>
    /// <param name="file">The file that holds them.</param>
    /// <returns>False when it is not part of the index any more.</returns>
    public bool Seal(Segment segment, SealedPostings postings, IByteRows rows, Guid file)
    {
        lock (_lock)
        {
            int position = _segments.IndexOf(segment);
            if (position < 0)
            {
                return false;
            }

            segment.Seal(postings, rows);
            segment.File = file;
            _changed.Add(position);
            _version++;
            PublishCore();
            return true;
        }
    }

    /// <summary>Puts a rewritten segment in the place of the one it was made from. No writer may be at work.</summary>
    /// <param name="segment">From <see cref="FindSparse"/>.</param>
    /// <param name="rewritten">Sealed; items that were removed since are dead in it afterwards.</param>
    /// <param name="newSlots">From <see cref="Segment.Rewrite"/>.</param>
    /// <returns>False when it is not part of the index any more.</returns>
    public bool Replace(Segment segment, Segment rewritten, int[] newSlots)
    {
        lock (_lock)
        {
            int position = _segments.IndexOf(segment);
            if (position < 0)
            {
                return false;
            }

            KillRemoved(segment, rewritten, newSlots);
            Replace(position, rewritten, newSlots);
            PublishCore();
            return true;
        }
    }

    /// <summary>Puts one segment in the place of two. No writer may be at work.</summary>
    /// <param name="into">From <see cref="FindMergeable"/>.</param>
    /// <param name="from">Likewise; its position becomes free.</param>
    /// <param name="merged">Sealed; items that were removed since are dead in it afterwards.</param>
    /// <param name="intoSlots">For each slot of the one its new slot; -1 for those left out.</param>
    /// <param name="fromSlots">Likewise for the other.</param>
    /// <returns>False when one of them is not part of the index any more.</returns>
    public bool Merge(Segment into, Segment from, Segment merged, int[] intoSlots, int[] fromSlots)
    {
        lock (_lock)
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
                    _map.Set(from.Id(slot), (position * Segment.Capacity) + fromSlots[slot]);
                }
            }

            _segments[freed] = new Segment(_dimension, into.Centre, _rotation!);
            _changed.Add(freed);
            PublishCore();
            return true;
        }
    }

    /// <summary>Makes all changes so far visible to searches, in one step.</summary>
    public void Publish()
    {
        lock (_lock)
        {
            PublishCore();
        }
    }

    /// <summary>The index as it is now, to be written to files; no writer may be at work.</summary>
    public IndexCapture Capture()
    {
        lock (_lock)
        {
            bool isSaved = _version == _savedVersion;
            Guid token = _dimension == 0 ? Guid.Empty : isSaved ? _savedToken : Guid.NewGuid();
            return new IndexCapture(
                token,
                isSaved || _dimension == 0,
                _version,
                seed,
                _dimension,
                _head >= 0 && (_segments[_head].IsFull || _segments[_head].IsSealed) ? -1 : _head,
                [.. _segments.Select(segment => (segment, segment.View()))],
                isSaved ? [] : [.. _sum],
                _summed,
                _centredOn);
        }
    }

    /// <summary>Names of the files of its segments.</summary>
    public Guid[] Files()
    {
        lock (_lock)
        {
            return [.. _segments.Select(segment => segment.File)];
        }
    }

    /// <summary>Notes that a capture is on disk.</summary>
    public void MarkSaved(IndexCapture capture)
    {
        lock (_lock)
        {
            _savedVersion = capture.Version;
            _savedToken = capture.Token;
        }
    }

    /// <summary>Fills an empty index with what was read from files, and publishes it.</summary>
    public void Restore(IndexImage image)
    {
        lock (_lock)
        {
            Reset(image.Rotation, image.Dimension);
            _segments.AddRange(image.Segments);
            _views.AddRange(_segments.Select(segment => segment.View()));
            _head = image.Head;
            image.Sum.CopyTo(_sum, 0);
            _summed = image.Summed;
            _centredOn = image.CentredOn;
            _savedVersion = _version;
            _savedToken = image.Token;
            Interlocked.Exchange(ref _count, _segments.Sum(segment => (long)segment.LiveCount));
            MapAll();
            PublishCore();
        }
    }

    /// <summary>Unmaps all files. Nobody may read the index or a snapshot of it afterwards.</summary>
    public void Unmap()
    {
        lock (_lock)
        {
            _snapshot = IndexSnapshot.Empty;
            foreach (Segment segment in _segments)
            {
                segment.Unmap();
            }
        }
    }

    /// <summary>What was removed while a segment was being rewritten is removed from the result, too.</summary>
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

    private void Replace(int position, Segment rewritten, int[] newSlots)
    {
        _segments[position] = rewritten;
        _map.Renumber(position * Segment.Capacity, newSlots);
        _changed.Add(position);
        _version++;
    }

    private void PublishCore()
    {
        foreach (int segment in _changed)
        {
            _views[segment] = _segments[segment].View();
        }

        _changed.Clear();
        _snapshot = new IndexSnapshot([.. _views], _count, _dimension);
    }

    /// <summary>Gives a segment a position that holds an empty one, or a new position.</summary>
    private int Place(Segment segment)
    {
        int position = _segments.FindIndex(candidate => candidate.Count == 0);
        if (position < 0)
        {
            _segments.Add(segment);
            _views.Add(segment.View());
            return _segments.Count - 1;
        }

        _segments[position] = segment;
        return position;
    }

    private void AddToSum(ReadOnlySpan<float> unit)
    {
        for (int i = 0; i < unit.Length; i++)
        {
            _sum[i] += unit[i];
        }

        _summed++;
    }

    private void Reset(int dimension) => Reset(new RotationSigns(dimension, seed), dimension);

    private void Reset(RotationSigns rotation, int dimension)
    {
        _segments.Clear();
        _views.Clear();
        _changed.Clear();
        _head = -1;
        _map = new IdMap(this);
        _rotation = rotation;
        _sum = new double[dimension];
        _summed = 0;
        _centredOn = 0;
        _dimension = dimension;
    }

    /// <summary>The mean of the vectors so far; zero while there are too few to tell.</summary>
    private ReadOnlyMemory<float> NewCentre()
    {
        if (_summed < FirstCentre)
        {
            return Segment.NoCentre(_dimension);
        }

        float[] centre = new float[_dimension];
        for (int i = 0; i < _dimension; i++)
        {
            centre[i] = (float)(_sum[i] / _summed);
        }

        return centre;
    }

    private void MapAll()
    {
        _map = new IdMap(this, _count);
        for (int position = 0; position < _segments.Count; position++)
        {
            Segment segment = _segments[position];
            for (int slot = 0; slot < segment.Count; slot++)
            {
                if (segment.IsLive(slot))
                {
                    _map.Set(segment.Id(slot), (position * Segment.Capacity) + slot);
                }
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
        _version++;
        return record;
    }
}
