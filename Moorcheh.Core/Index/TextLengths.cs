namespace Moorcheh.Index;

/// <summary>What searches by words need of the lengths of a segment's texts.</summary>
/// <param name="LiveWords">Words of all live texts.</param>
/// <param name="Shortest">Words of the shortest text that has any, dead ones included; 1 when there is none.</param>
internal sealed record TextLengths(long LiveWords, int Shortest)
{
    /// <param name="lengths">Words of each slot.</param>
    /// <param name="live">A bit a slot.</param>
    public static TextLengths Of(ReadOnlySpan<int> lengths, ReadOnlySpan<ulong> live)
    {
        long words = 0;
        int shortest = int.MaxValue;
        for (int slot = 0; slot < lengths.Length; slot++)
        {
            int length = lengths[slot];
            words += length * (long)(live[slot / 64] >> (slot % 64) & 1);
            shortest = length > 0 ? Math.Min(shortest, length) : shortest;
        }

        return new TextLengths(words, shortest == int.MaxValue ? 1 : shortest);
    }
}
