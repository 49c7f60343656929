using System.Buffers;
using Moorcheh.Index.Postings;

namespace Moorcheh.Index;

/// <summary>
/// The codes and ids of a namespace. One writer at a time changes it and publishes; searches read <see cref="Snapshot"/> and never
/// wait. Looking up ids takes a short lock.
/// </summary>
/// <param name="seed">Chooses the rotation.</param>
internal sealed class NamespaceIndex(ulong seed)
{
    private readonly Lock _lock = new();
    private volatile SegmentSet _segments = new();
    private RunningCentre _centre = new(0);
    private RotationSigns? _rotation;
    private int _dimension;
    private long _version;
    private long _savedVersion = -1;
    private Guid _savedToken;
    private volatile IndexSnapshot _snapshot = IndexSnapshot.Empty;

    /// <summary>What searches see.</summary>
    public IndexSnapshot Snapshot => _snapshot;

    /// <summary>Items, published or not.</summary>
    public long Count => _segments.Count;

    /// <summary>True when a young index should be built anew around a better centre.</summary>
    public bool WantsRebuild => Look(segments => segments.Segments.Count == 1 && _centre.IsOutgrownBy(segments.Count));

    /// <summary>The record number of an item, published or not; -1 when there is none.</summary>
    public long FindRecord(ReadOnlySpan<byte> id)
    {
        lock (_lock)
        {
            return _segments.FindRecord(id);
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
                Reset(new RotationSigns(vector.Length, seed));
            }

            // Not kept: a namespace of one long vector would consist of such buffers.
            float[] rented = ArrayPool<float>.Shared.Rent(_dimension + _rotation!.PaddedDimension);
            Span<float> unit = rented.AsSpan(0, _dimension);
            UnitVector.Write(vector, unit);
            _centre.Add(unit);
            _version++;
            long replaced = _segments.Remove(id);
            Segment head = _segments.Head is { } growing && growing.Takes(recordNumber)
                ? growing
                : _segments.Begin(new Segment(_dimension, _centre.Mean(), _rotation));
            int slot = head.Append(id, unit, recordNumber, metadata, text, scratch: rented.AsSpan(_dimension, _rotation.PaddedDimension));
            ArrayPool<float>.Shared.Return(rented);
            _segments.Added(id, slot);
            return replaced;
        }
    }

    /// <summary>Removes an item.</summary>
    /// <returns>Its record number; -1 when there is none of that id.</returns>
    public long Remove(ReadOnlySpan<byte> id)
    {
        lock (_lock)
        {
            long record = _segments.Remove(id);
            if (record >= 0)
            {
                _version++;
            }

            return record;
        }
    }

    /// <summary>Removes the items of records, and publishes.</summary>
    public void RemoveRecords(IReadOnlySet<long> records) => Exchange(segments => segments.RemoveRecords(records));

    /// <summary>The record numbers of all items, published or not, segment by segment.</summary>
    public List<long> LiveRecords() => Look(segments => segments.LiveRecords());

    /// <summary>An empty index around the mean of all vectors seen here, to be filled by <see cref="Put"/> and taken over by <see cref="Adopt"/>.</summary>
    public NamespaceIndex StartRebuild()
    {
        lock (_lock)
        {
            var fresh = new NamespaceIndex(seed);
            fresh.Reset(new RotationSigns(_dimension, seed));
            fresh._centre.Restore(_centre.Sum, _centre.Summed);
            fresh._centre.CentredOn = (int)Math.Min(_segments.Count, int.MaxValue);
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
                Reset(new RotationSigns(vector.Length, seed));
            }

            if (_centre.Summed < RunningCentre.Enough)
            {
                float[] unit = ArrayPool<float>.Shared.Rent(_dimension);
                UnitVector.Write(vector, unit);
                _centre.Add(unit.AsSpan(0, _dimension));
                ArrayPool<float>.Shared.Return(unit);
                _centre.CentredOn = (int)_centre.Summed;
            }
        }
    }

    /// <summary>Takes over the content of another index, which is not used any more. Publish afterwards.</summary>
    public void Adopt(NamespaceIndex other)
    {
        lock (_lock)
        {
            _segments = other._segments;
            _segments.ChangeAll();
            _centre.CentredOn = other._centre.CentredOn;
            _version++;
        }
    }

    /// <summary>Rewrites the growing segment when many of its slots are dead. For the writer; publish afterwards.</summary>
    public void TidyHead()
    {
        if (Look(segments => segments.Head) is { IsSparse: true, IsFull: false, IsSealed: false } head)
        {
            Segment rewritten = Segment.Rewrite(head.View(), out int[] newSlots);
            lock (_lock)
            {
                _segments.ReplaceHead(rewritten, newSlots);
                _version++;
            }
        }
    }

    /// <summary>The first segment that nothing is added to any more and that is not sealed yet, as it is now; null when there is none.</summary>
    public (Segment Segment, SegmentView View)? FindUnsealed() => Look(segments => segments.FindUnsealed());

    /// <summary>True when there is a segment to seal or to rewrite, or there are two to put together.</summary>
    public bool HasWork => FindUnsealed() is not null || FindSparse() is not null || FindMergeable() is not null;

    /// <summary>The first sealed segment with many dead slots, as it is now; null when there is none.</summary>
    public (Segment Segment, SegmentView View)? FindSparse() => Look(segments => segments.FindSparse());

    /// <summary>The two smallest sealed segments, as they are now, when they fit into one; otherwise null.</summary>
    public (Segment Into, SegmentView IntoView, Segment From, SegmentView FromView)? FindMergeable() =>
        Look(segments => segments.FindMergeable());

    /// <summary>Seals a full segment. No writer may be at work.</summary>
    /// <param name="segment">From <see cref="FindUnsealed"/>.</param>
    /// <param name="postings">Its postings, packed.</param>
    /// <param name="values">Its values, packed.</param>
    /// <param name="rows">Its eight-bit codes.</param>
    /// <param name="file">The file that holds them.</param>
    /// <returns>False when it is not part of the index any more.</returns>
    public bool Seal(Segment segment, SealedPostings postings, ValueRun values, IByteRows rows, Guid file) =>
        Exchange(segments => segments.TrySeal(segment, postings, values, rows, file));

    /// <summary>Puts a rewritten segment in the place of the one it was made from. No writer may be at work.</summary>
    /// <param name="segment">From <see cref="FindSparse"/>.</param>
    /// <param name="rewritten">Sealed; items that were removed since are dead in it afterwards.</param>
    /// <param name="newSlots">From <see cref="Segment.Rewrite"/>.</param>
    /// <returns>False when it is not part of the index any more.</returns>
    public bool Replace(Segment segment, Segment rewritten, int[] newSlots) =>
        Exchange(segments => segments.TryReplace(segment, rewritten, newSlots));

    /// <summary>Puts one segment in the place of two. No writer may be at work.</summary>
    /// <param name="into">From <see cref="FindMergeable"/>.</param>
    /// <param name="from">Likewise; its position becomes free.</param>
    /// <param name="merged">Sealed; items that were removed since are dead in it afterwards.</param>
    /// <param name="intoSlots">For each slot of the one its new slot; -1 for those left out.</param>
    /// <param name="fromSlots">Likewise for the other.</param>
    /// <returns>False when one of them is not part of the index any more.</returns>
    public bool Merge(Segment into, Segment from, Segment merged, int[] intoSlots, int[] fromSlots) =>
        Exchange(segments => segments.TryMerge(into, from, merged, intoSlots, fromSlots));

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
                _segments.OpenHead,
                [.. _segments.Segments.Select(segment => (segment, segment.View()))],
                isSaved ? [] : _centre.Sum.ToArray(),
                _centre.Summed,
                _centre.CentredOn);
        }
    }

    /// <summary>Names of the files of its segments.</summary>
    public Guid[] Files() => Look<Guid[]>(segments => [.. segments.Segments.Select(segment => segment.File)]);

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
            Reset(image.Rotation);
            _segments = new SegmentSet(image.Segments, image.Head);
            _centre.Restore(image.Sum, image.Summed);
            _centre.CentredOn = image.CentredOn;
            _savedVersion = _version;
            _savedToken = image.Token;
            PublishCore();
        }
    }

    /// <summary>Unmaps all files. Nobody may read the index or a snapshot of it afterwards.</summary>
    public void Unmap()
    {
        lock (_lock)
        {
            _snapshot = IndexSnapshot.Empty;
            foreach (Segment segment in _segments.Segments)
            {
                segment.Unmap();
            }
        }
    }

    private T Look<T>(Func<SegmentSet, T> look)
    {
        lock (_lock)
        {
            return look(_segments);
        }
    }

    private bool Exchange(Func<SegmentSet, bool> tryChange)
    {
        lock (_lock)
        {
            if (!tryChange(_segments))
            {
                return false;
            }

            _version++;
            PublishCore();
            return true;
        }
    }

    private void PublishCore() => _snapshot = new IndexSnapshot(_segments.Publish(), _segments.Count, _dimension);

    private void Reset(RotationSigns rotation)
    {
        _segments = new SegmentSet();
        _rotation = rotation;
        _dimension = rotation.Dimension;
        _centre = new RunningCentre(_dimension);
    }
}
