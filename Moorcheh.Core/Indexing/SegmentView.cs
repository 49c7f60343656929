namespace Moorcheh.Indexing;

/// <summary>A segment as it was when it was published. Immutable; any number of threads may read it.</summary>
internal sealed class SegmentView(
    int dimension,
    int count,
    int liveCount,
    float[]?[] rows,
    int rowsPerChunk,
    double[] norms,
    long[] recordNumbers,
    int[] idEnds,
    byte[] ids,
    ulong[] live)
{
    /// <summary>Slots, dead ones included.</summary>
    public int Count { get; } = count;

    public int LiveCount { get; } = liveCount;

    public bool IsLive(int slot) => (live[slot / 64] >> (slot % 64) & 1) != 0;

    public ReadOnlySpan<float> Vector(int slot) => rows[slot / rowsPerChunk].AsSpan(slot % rowsPerChunk * dimension, dimension);

    public double Norm(int slot) => norms[slot];

    public long RecordNumber(int slot) => recordNumbers[slot];

    /// <summary>UTF-8.</summary>
    public ReadOnlySpan<byte> Id(int slot) => ids.AsSpan((slot == 0 ? 0 : idEnds[slot - 1])..idEnds[slot]);
}
