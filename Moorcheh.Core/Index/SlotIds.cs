namespace Moorcheh.Index;

/// <summary>
/// Ids and record numbers of the slots of a segment. A part of its segment, never copied; what readers were given does not change.
/// </summary>
/// <param name="ids">All ids, UTF-8, one behind the other.</param>
/// <param name="ends">Where the id of each slot ends.</param>
/// <param name="firstRecord">What record offsets count from.</param>
/// <param name="records">Offset of each slot's record number.</param>
internal struct SlotIds(byte[] ids, int[] ends, long firstRecord, int[] records)
{
    private const int MinBytes = 64;

    private byte[] _ids = ids;
    private int[] _ends = ends;
    private int[] _records = records;

    public readonly byte[] Ids => _ids;

    public readonly int[] Ends => _ends;

    public readonly int[] RecordOffsets => _records;

    public long FirstRecord { get; private set; } = firstRecord;

    public readonly ReadOnlySpan<byte> Id(int slot) => _ids.AsSpan((slot == 0 ? 0 : _ends[slot - 1]).._ends[slot]);

    public readonly long RecordNumber(int slot) => FirstRecord + _records[slot];

    /// <summary>Sets a slot behind the last one, for which there is room.</summary>
    public void Add(int slot, ReadOnlySpan<byte> id, long recordNumber)
    {
        int start = slot == 0 ? 0 : _ends[slot - 1];
        if (start + id.Length > _ids.Length)
        {
            Array.Resize(ref _ids, checked((int)Math.Max(start + id.Length, Math.Clamp(2L * _ids.Length, MinBytes, Array.MaxLength))));
        }

        id.CopyTo(_ids.AsSpan(start));
        _ends[slot] = start + id.Length;
        if (slot == 0)
        {
            FirstRecord = recordNumber;
        }

        _records[slot] = checked((int)(recordNumber - FirstRecord));
    }

    public void Grow(int slots)
    {
        Array.Resize(ref _records, slots);
        Array.Resize(ref _ends, slots);
    }

    /// <summary>Gives up what is only needed to add more.</summary>
    public void Trim(int slots)
    {
        Grow(slots);
        Array.Resize(ref _ids, slots == 0 ? 0 : _ends[^1]);
    }
}
