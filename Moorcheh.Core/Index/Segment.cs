using Moorcheh.Index.Postings;
using Moorcheh.Kernels;

namespace Moorcheh.Index;

/// <summary>
/// Up to <see cref="Capacity"/> slots of a namespace: one-bit and eight-bit codes, ids and record numbers. One writer appends and
/// kills slots; readers work on a <see cref="SegmentView"/> and see what was published with it. Slots are never reused.
/// </summary>
internal sealed partial class Segment
{
    /// <summary>Slots of a full segment: as many as postings can tell apart.</summary>
    public const int Capacity = SegmentPostings.MaxSlots;

    private readonly int _codeBytes;
    private MemoryByteRows? _growing;
    private IByteRows _rows;
    private SegmentPostings _postings = new();
    private SealedPostings? _sealed;
    private SegmentValues _values = new();
    private byte[] _codes;
    private float[] _factors;
    private LiveSlots _live;
    private SlotIds _ids;
    private int _dead;

    // A segment is rewritten when more than this share of it is dead, and enough to be worth it.
    private const double MaxDeadShare = 0.3;
    private const int MinDead = BlockLayout.SlotsPerBlock;

    private static readonly float[] Zeros = new float[BlockLayout.MaxDimension];

    /// <summary>An empty segment. It takes memory with its first slot.</summary>
    /// <param name="dimension">Values per vector.</param>
    /// <param name="centre">What codes are relative to; at most 1 long. Not copied.</param>
    /// <param name="rotation">Signs and seed of the namespace.</param>
    public Segment(int dimension, ReadOnlyMemory<float> centre, RotationSigns rotation)
    {
        Dimension = dimension;
        Centre = centre;
        Rotation = rotation;
        int padded = BlockLayout.PaddedDimension(dimension);
        _codeBytes = BlockLayout.CodeBytesPerBlock(padded);
        _growing = new MemoryByteRows(padded);
        _rows = _growing;
        _codes = [];
        _factors = [];
        _live = new LiveSlots([]);
        _ids = new SlotIds([], [], 0, []);
    }

    /// <summary>A sealed segment.</summary>
    /// <param name="rotation">Signs and seed of the namespace.</param>
    /// <param name="centre">What the codes are relative to.</param>
    /// <param name="parts">Everything else; not copied.</param>
    /// <exception cref="InvalidDataException">The parts do not fit each other.</exception>
    public Segment(RotationSigns rotation, ReadOnlyMemory<float> centre, SegmentParts parts)
    {
        Dimension = centre.Length;
        Centre = centre;
        Rotation = rotation;
        _codeBytes = BlockLayout.CodeBytesPerBlock(BlockLayout.PaddedDimension(Dimension));
        _codes = parts.Codes;
        HugePages.Collapse(_codes);
        _factors = parts.Factors;
        _live = new LiveSlots(parts.Live);
        _ids = new SlotIds(parts.Ids, parts.IdEnds, parts.FirstRecord, parts.RecordOffsets);
        _rows = parts.Rows;
        _sealed = parts.Postings;
        _values = new SegmentValues(parts.Values);
        Count = parts.Count;
        int blocks = BlockLayout.Blocks(Count);
        if (Count is < 1 or > Capacity
            || rotation.PaddedDimension != BlockLayout.PaddedDimension(Dimension)
            || _codes.Length != blocks * _codeBytes
            || _factors.Length != blocks * BlockLayout.FactorsPerBlock
            || parts.Live.Length != blocks
            || parts.RecordOffsets.Length != Count
            || parts.IdEnds.Length != Count
            || parts.Ids.Length != parts.IdEnds[^1]
            || _sealed.Count > Count)
        {
            throw new InvalidDataException("The parts of a segment do not fit each other.");
        }

        _dead = Count - _live.Count;
    }

    /// <summary>The centre of a segment whose vectors are too few to have one: zeros, the same for all.</summary>
    public static ReadOnlyMemory<float> NoCentre(int dimension) => Zeros.AsMemory(0, dimension);

    public int Dimension { get; }

    public ReadOnlyMemory<float> Centre { get; }

    public RotationSigns Rotation { get; }

    public int Count { get; private set; }

    public int LiveCount => Count - _dead;

    public bool IsFull => Count == Capacity;

    /// <summary>
    /// True when a vector with this record number can be appended. An empty segment is better made anew, around a centre that is known by now;
    /// record numbers are kept as 32 bits from the first one.
    /// </summary>
    public bool Takes(long recordNumber) => Count > 0 && !IsFull && !IsSealed && Math.Abs(recordNumber - _ids.FirstRecord) <= int.MaxValue;

    /// <summary>True when the record numbers of another segment are likely to fit into 32 bits from the first one of this.</summary>
    public bool IsNear(Segment other) => Math.Abs(other._ids.FirstRecord - _ids.FirstRecord) <= int.MaxValue / 2;

    /// <summary>True when nothing can be appended and the eight-bit codes are in a file.</summary>
    public bool IsSealed => _sealed is not null;

    /// <summary>The name of its file, once it is full and written; otherwise <see cref="Guid.Empty"/>.</summary>
    public Guid File { get; set; }

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
            Centre.Span,
            Rotation.Signs,
            scratch,
            _codes.AsSpan(block * _codeBytes, _codeBytes),
            _factors.AsSpan(block * BlockLayout.FactorsPerBlock, BlockLayout.FactorsPerBlock),
            lane);
        ByteEncoder.Encode(unit, Centre.Span, scratch, _growing!.NextRow(slot), out float scale, out float error);
        _growing.SetFactors(slot, scale, error);
        _postings.Add(slot, metadata, text);
        _values.Add(slot, metadata);
        _live.Add(slot);
        Count = slot + 1;
        return slot;
    }

    /// <summary>Gives up what only a growing segment needs. Nothing is appended afterwards.</summary>
    /// <param name="postings">The postings, packed.</param>
    /// <param name="values">The values, packed.</param>
    /// <param name="rows">The eight-bit codes.</param>
    public void Seal(SealedPostings postings, ValueRun values, IByteRows rows)
    {
        int blocks = BlockLayout.Blocks(Count);
        _sealed = postings;
        _postings = null!;
        _values = new SegmentValues(values);
        _rows = rows;
        _growing = null;
        ResizeCodes(blocks);
        Array.Resize(ref _factors, blocks * BlockLayout.FactorsPerBlock);
        _ids.Trim(Count);
    }

    /// <summary>Lets the system have the mapped file back; nobody may read the segment or its views any more.</summary>
    public void Unmap() => (_rows as IDisposable)?.Dispose();

    public void Kill(int slot)
    {
        _live.Remove(slot);
        _dead++;
    }

    public bool IsLive(int slot) => _live.Contains(slot);

    public ReadOnlySpan<byte> Id(int slot) => _ids.Id(slot);

    public long RecordNumber(int slot) => _ids.RecordNumber(slot);

    /// <summary>The segment as it is now, for readers.</summary>
    public SegmentView View() => new(
        this,
        Count,
        LiveCount,
        _codes,
        _factors,
        _live.Share(),
        _rows,
        (IPostings?)_sealed ?? _postings.View(),
        _values.View(),
        _ids.FirstRecord,
        _ids.RecordOffsets,
        _ids.Ends,
        _ids.Ids);

    /// <summary>Makes room for the next slot and notes its id and record.</summary>
    private int Begin(ReadOnlySpan<byte> id, long recordNumber)
    {
        int slot = Count;
        if (slot == _live.Blocks * BlockLayout.SlotsPerBlock)
        {
            Grow(Math.Clamp(_live.Blocks * 2, 1, Capacity / BlockLayout.SlotsPerBlock));
        }

        _ids.Add(slot, id, recordNumber);
        return slot;
    }

    private void Grow(int blocks)
    {
        // Readers keep the arrays of their view; what they see in them never changes.
        ResizeCodes(blocks);
        Array.Resize(ref _factors, blocks * BlockLayout.FactorsPerBlock);
        _live.Grow(blocks);
        _ids.Grow(blocks * BlockLayout.SlotsPerBlock);
    }

    private void ResizeCodes(int blocks)
    {
        if (_codes.Length != blocks * _codeBytes)
        {
            Array.Resize(ref _codes, blocks * _codeBytes);
            HugePages.Collapse(_codes);
        }
    }
}
