using Moorcheh.Index.Postings;
using Moorcheh.Kernels;

namespace Moorcheh.Index;

/// <summary>A segment as it was when it was published. Immutable; any number of threads may read it.</summary>
internal sealed class SegmentView(
    Segment segment,
    int count,
    int liveCount,
    byte[] codes,
    float[] factors,
    ulong[] live,
    IByteRows rows,
    IPostings postings,
    ValueView values,
    long firstRecord,
    int[] records,
    int[] idEnds,
    byte[] ids)
{
    // Made at first use: a view that no search by words looks at pays nothing. Two threads may both make them, with the same values.
    private TextLengths? _lengths;

    /// <summary>Slots, dead ones included.</summary>
    public int Count { get; } = count;

    public int LiveCount { get; } = liveCount;

    public int Blocks => BlockLayout.Blocks(Count);

    public int Dimension => segment.Dimension;

    public ReadOnlyMemory<float> Centre => segment.Centre;

    public RotationSigns Rotation => segment.Rotation;

    /// <summary>One-bit codes of all blocks.</summary>
    public ReadOnlySpan<byte> Codes => codes;

    /// <summary>Their factors.</summary>
    public ReadOnlySpan<float> Factors => factors;

    /// <summary>One bit a slot, one word a block.</summary>
    public ReadOnlySpan<ulong> Live => live.AsSpan(0, Blocks);

    public IByteRows Rows => rows;

    /// <summary>What filters look for.</summary>
    public IPostings Postings => postings;

    /// <summary>Words of all live texts.</summary>
    public long LiveWords => Lengths.LiveWords;

    /// <summary>Words of the shortest text that has any; 1 when there is none.</summary>
    public int ShortestText => Lengths.Shortest;

    /// <summary>What conditions on metadata look for.</summary>
    public ValueView Values => values;

    /// <summary>What <see cref="RecordOffsets"/> count from.</summary>
    public long FirstRecord => firstRecord;

    /// <summary>One a slot.</summary>
    public ReadOnlySpan<int> RecordOffsets => records.AsSpan(0, Count);

    /// <summary>Where the id of each slot ends in <see cref="Ids"/>.</summary>
    public ReadOnlySpan<int> IdEnds => idEnds.AsSpan(0, Count);

    /// <summary>All ids, UTF-8, one behind the other.</summary>
    public ReadOnlySpan<byte> Ids => ids.AsSpan(0, Count == 0 ? 0 : idEnds[Count - 1]);

    public bool IsLive(int slot) => (live[slot / 64] >> (slot % 64) & 1) != 0;

    public long RecordNumber(int slot) => firstRecord + records[slot];

    /// <summary>UTF-8.</summary>
    public ReadOnlySpan<byte> Id(int slot) => ids.AsSpan((slot == 0 ? 0 : idEnds[slot - 1])..idEnds[slot]);

    private TextLengths Lengths => Volatile.Read(ref _lengths) ?? (_lengths = TextLengths.Of(postings.Lengths, live));
}
