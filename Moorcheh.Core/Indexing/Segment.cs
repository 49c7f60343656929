using Moorcheh.Kernels;

namespace Moorcheh.Indexing;

/// <summary>
/// Up to <see cref="Capacity"/> slots of a namespace: one-bit and eight-bit codes, ids and record numbers. One writer appends and
/// kills slots; readers work on a <see cref="SegmentView"/> and see what was published with it. Slots are never reused.
/// </summary>
internal sealed class Segment
{
    public const int Capacity = 65_536;

    private readonly int _codeBytes;
    private MemoryByteRows? _growing;
    private IByteRows _rows;
    private SegmentPostings _postings = new();
    private SealedPostings? _sealed;
    private byte[] _codes;
    private float[] _factors;
    private ulong[] _live;
    private bool _liveShared;
    private int[] _records;
    private int[] _idEnds;
    private byte[] _ids;
    private long _firstRecord;
    private int _dead;

    // A segment is rewritten when more than this share of it is dead, and enough to be worth it.
    private const double MaxDeadShare = 0.3;
    private const int MinDead = BlockLayout.SlotsPerBlock;
    private const int EmptyObjectBytes = 2;

    /// <param name="dimension">Values per vector.</param>
    /// <param name="centre">What codes are relative to; at most 1 long. Not copied.</param>
    /// <param name="rotation">Signs and seed of the namespace.</param>
    public Segment(int dimension, float[] centre, RotationSigns rotation)
    {
        Dimension = dimension;
        Centre = centre;
        Rotation = rotation;
        int padded = BlockLayout.PaddedDimension(dimension);
        _codeBytes = BlockLayout.CodeBytesPerBlock(padded);
        _growing = new MemoryByteRows(padded);
        _rows = _growing;
        _codes = new byte[_codeBytes];
        _factors = new float[BlockLayout.FactorsPerBlock];
        _live = new ulong[1];
        _records = new int[BlockLayout.SlotsPerBlock];
        _idEnds = new int[BlockLayout.SlotsPerBlock];
        _ids = new byte[BlockLayout.SlotsPerBlock * 8];
    }

    public int Dimension { get; }

    public float[] Centre { get; }

    public RotationSigns Rotation { get; }

    public int Count { get; private set; }

    public int LiveCount => Count - _dead;

    public bool IsFull => Count == Capacity;

    /// <summary>True when enough slots are dead to make <see cref="Rewrite"/> worth its cost.</summary>
    public bool IsSparse => _dead > MinDead && _dead > Count * MaxDeadShare;

    /// <summary>Adds a vector in the next slot.</summary>
    /// <param name="id">UTF-8.</param>
    /// <param name="unit">The vector scaled to length 1, or zeros.</param>
    /// <param name="recordNumber">In any order, because compaction moves old records behind newer ones; within 2^31 of the first one's.</param>
    /// <param name="metadata">Compact JSON.</param>
    /// <param name="text">UTF-8; empty for none.</param>
    /// <param name="scratch">As long as the padded dimension.</param>
    /// <returns>The slot.</returns>
    public int Append(
        ReadOnlySpan<byte> id,
        ReadOnlySpan<float> unit,
        long recordNumber,
        ReadOnlySpan<byte> metadata,
        ReadOnlySpan<byte> text,
        Span<float> scratch)
    {
        int slot = Begin(id, recordNumber);
        int block = slot / BlockLayout.SlotsPerBlock;
        int lane = slot % BlockLayout.SlotsPerBlock;
        BinaryEncoder.Encode(
            unit,
            Centre,
            Rotation.Signs,
            scratch,
            _codes.AsSpan(block * _codeBytes, _codeBytes),
            _factors.AsSpan(block * BlockLayout.FactorsPerBlock, BlockLayout.FactorsPerBlock),
            lane);
        ByteEncoder.Encode(unit, Centre, scratch, _growing!.NextRow(slot), out float scale, out float error);
        _growing.SetFactors(slot, scale, error);
        AddPostings(slot, metadata, text);
        OwnLive()[block] |= 1UL << lane;
        Count = slot + 1;
        return slot;
    }

    /// <summary>True when some item has metadata or text, so that <see cref="Rewrite"/> needs them again.</summary>
    public bool HasPostings { get; private set; }

    /// <summary>Adds what filters look for to a slot of a rewritten segment; slots in increasing order.</summary>
    public void AddPostings(int slot, ReadOnlySpan<byte> metadata, ReadOnlySpan<byte> text)
    {
        _postings.Add(slot, metadata, text);
        HasPostings |= !text.IsEmpty || metadata.Length > EmptyObjectBytes;
    }

    /// <summary>Packs the segment: postings tight in memory, eight-bit codes in a file. Nothing is appended afterwards.</summary>
    /// <param name="directory">Where the file goes; null keeps the codes in memory.</param>
    public void Seal(string? directory)
    {
        _sealed = _postings.Seal();
        if (directory is not null && _growing is not null && Count > 0)
        {
            try
            {
                int blocks = (Count + BlockLayout.SlotsPerBlock - 1) / BlockLayout.SlotsPerBlock;
                _rows = new MappedByteRows(directory, _growing, blocks, Rotation.PaddedDimension);
                _growing = null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // No room on the disk: the codes stay in memory. A search is as good; uploads will report the full disk.
            }
        }

        _postings = null!;
    }

    /// <summary>A segment of the live slots only, in the same order, without postings. The codes are copied: they do not depend on their place.</summary>
    /// <param name="newSlots">For each slot its new one; of dead ones the value has no meaning.</param>
    public Segment Rewrite(out int[] newSlots)
    {
        var copy = new Segment(Dimension, Centre, Rotation);
        newSlots = new int[Count];
        for (int slot = 0; slot < Count; slot++)
        {
            if (IsLive(slot))
            {
                newSlots[slot] = copy.Count;
                copy.AppendCopy(this, slot);
            }
        }

        return copy;
    }

    public void Kill(int slot)
    {
        OwnLive()[slot / BlockLayout.SlotsPerBlock] &= ~(1UL << (slot % BlockLayout.SlotsPerBlock));
        _dead++;
    }

    public bool IsLive(int slot) => (_live[slot / BlockLayout.SlotsPerBlock] >> (slot % BlockLayout.SlotsPerBlock) & 1) != 0;

    public ReadOnlySpan<byte> Id(int slot) => _ids.AsSpan((slot == 0 ? 0 : _idEnds[slot - 1]).._idEnds[slot]);

    public long RecordNumber(int slot) => _firstRecord + _records[slot];

    /// <summary>The segment as it is now, for readers.</summary>
    public SegmentView View()
    {
        _liveShared = true;
        return new SegmentView(
            this, Count, LiveCount, _codes, _factors, _live, _rows, (IPostings?)_sealed ?? _postings.View(), _firstRecord, _records, _idEnds, _ids);
    }

    /// <summary>Makes room for the next slot and notes its id and record.</summary>
    private int Begin(ReadOnlySpan<byte> id, long recordNumber)
    {
        int slot = Count;
        if (slot == _live.Length * BlockLayout.SlotsPerBlock)
        {
            Grow(Math.Min(_live.Length * 2, Capacity / BlockLayout.SlotsPerBlock));
        }

        int start = slot == 0 ? 0 : _idEnds[slot - 1];
        if (start + id.Length > _ids.Length)
        {
            Array.Resize(ref _ids, checked((int)Math.Max(start + id.Length, Math.Min(2L * _ids.Length, Array.MaxLength))));
        }

        id.CopyTo(_ids.AsSpan(start));
        _idEnds[slot] = start + id.Length;
        if (slot == 0)
        {
            _firstRecord = recordNumber;
        }

        _records[slot] = checked((int)(recordNumber - _firstRecord));
        return slot;
    }

    private void AppendCopy(Segment source, int from)
    {
        int slot = Begin(source.Id(from), source.RecordNumber(from));
        int block = slot / BlockLayout.SlotsPerBlock;
        int lane = slot % BlockLayout.SlotsPerBlock;
        int fromBlock = from / BlockLayout.SlotsPerBlock;
        int fromLane = from % BlockLayout.SlotsPerBlock;
        for (int row = 0; row < _codeBytes; row += BlockLayout.SlotsPerBlock)
        {
            _codes[(block * _codeBytes) + row + lane] = source._codes[(fromBlock * _codeBytes) + row + fromLane];
        }

        for (int factor = 0; factor < BlockLayout.FactorsPerBlock; factor += BlockLayout.SlotsPerBlock)
        {
            _factors[(block * BlockLayout.FactorsPerBlock) + factor + lane] =
                source._factors[(fromBlock * BlockLayout.FactorsPerBlock) + factor + fromLane];
        }

        Span<sbyte> row8 = _growing!.NextRow(slot);
        source._rows.Rows(fromBlock).Slice(fromLane * row8.Length, row8.Length).CopyTo(row8);
        ReadOnlySpan<float> factors = source._rows.Factors(fromBlock);
        _growing.SetFactors(slot, factors[fromLane], factors[BlockLayout.SlotsPerBlock + fromLane]);
        OwnLive()[block] |= 1UL << lane;
        Count = slot + 1;
    }

    private void Grow(int blocks)
    {
        // Readers keep the arrays of their view; what they see in them never changes.
        Array.Resize(ref _codes, blocks * _codeBytes);
        Array.Resize(ref _factors, blocks * BlockLayout.FactorsPerBlock);
        Array.Resize(ref _live, blocks);
        _liveShared = false;
        Array.Resize(ref _records, blocks * BlockLayout.SlotsPerBlock);
        Array.Resize(ref _idEnds, blocks * BlockLayout.SlotsPerBlock);
    }

    private ulong[] OwnLive()
    {
        if (_liveShared)
        {
            _live = (ulong[])_live.Clone();
            _liveShared = false;
        }

        return _live;
    }
}
