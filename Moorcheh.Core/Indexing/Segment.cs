using Moorcheh.Kernels;

namespace Moorcheh.Indexing;

/// <summary>
/// Up to <see cref="Capacity"/> slots of a namespace: vectors, their norms, ids and record numbers. One writer appends and
/// kills slots; readers work on a <see cref="SegmentView"/> and see what was published with it. Slots are never reused.
/// </summary>
internal sealed class Segment(int dimension)
{
    public const int Capacity = 65_536;

    private const int RowsPerChunk = 256;

    private readonly float[]?[] _rows = new float[]?[Capacity / RowsPerChunk];
    private double[] _norms = new double[RowsPerChunk];
    private long[] _recordNumbers = new long[RowsPerChunk];
    private int[] _idEnds = new int[RowsPerChunk];
    private byte[] _ids = new byte[RowsPerChunk * 16];
    private ulong[] _live = new ulong[RowsPerChunk / 64];
    private bool _liveShared;
    private int _dead;

    public int Count { get; private set; }

    public int LiveCount => Count - _dead;

    public bool IsFull => Count == Capacity;

    /// <summary>Adds a vector in the next slot.</summary>
    /// <returns>The slot.</returns>
    public int Append(ReadOnlySpan<byte> id, ReadOnlySpan<float> vector, long recordNumber)
    {
        int slot = Count;
        if (slot == _norms.Length)
        {
            // Readers keep the arrays of their view; what they see in them never changes.
            int length = Math.Min(Capacity, slot * 2);
            Array.Resize(ref _norms, length);
            Array.Resize(ref _recordNumbers, length);
            Array.Resize(ref _idEnds, length);
            Array.Resize(ref _live, length / 64);
            _liveShared = false;
        }

        int start = slot == 0 ? 0 : _idEnds[slot - 1];
        if (start + id.Length > _ids.Length)
        {
            Array.Resize(ref _ids, checked((int)Math.Max(start + id.Length, Math.Min(2L * _ids.Length, Array.MaxLength))));
        }

        id.CopyTo(_ids.AsSpan(start));
        _idEnds[slot] = start + id.Length;
        vector.CopyTo(Row(slot));
        _norms[slot] = CanonicalDot.Norm(vector);
        _recordNumbers[slot] = recordNumber;
        OwnLive()[slot / 64] |= 1UL << (slot % 64);
        Count = slot + 1;
        return slot;
    }

    public void Kill(int slot)
    {
        OwnLive()[slot / 64] &= ~(1UL << (slot % 64));
        _dead++;
    }

    public ReadOnlySpan<byte> Id(int slot) => _ids.AsSpan((slot == 0 ? 0 : _idEnds[slot - 1]).._idEnds[slot]);

    public long RecordNumber(int slot) => _recordNumbers[slot];

    public bool IsLive(int slot) => (_live[slot / 64] >> (slot % 64) & 1) != 0;

    /// <summary>The segment as it is now, for readers.</summary>
    public SegmentView View()
    {
        _liveShared = true;
        return new SegmentView(dimension, Count, LiveCount, _rows, RowsPerChunk, _norms, _recordNumbers, _idEnds, _ids, _live);
    }

    private Span<float> Row(int slot)
    {
        float[] chunk = _rows[slot / RowsPerChunk] ??= new float[RowsPerChunk * dimension];
        return chunk.AsSpan(slot % RowsPerChunk * dimension, dimension);
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
