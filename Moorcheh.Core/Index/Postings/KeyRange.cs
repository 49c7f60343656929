namespace Moorcheh.Index.Postings;

/// <summary>Keys from one on and before another, in the order of bytes.</summary>
internal readonly record struct KeyRange(byte[] From, byte[] To)
{
    /// <summary>Every key.</summary>
    public static KeyRange All { get; } = new([], [byte.MaxValue]);

    /// <summary>One key.</summary>
    public static KeyRange Only(byte[] key) => new(key, [.. key, 0]);

    /// <summary>Ranges, none of which overlap, in order.</summary>
    public static KeyRange[] Sorted(IEnumerable<KeyRange> ranges)
    {
        KeyRange[] sorted = [.. ranges];
        Array.Sort(sorted, static (x, y) => x.From.AsSpan().SequenceCompareTo(y.From));
        return sorted;
    }

    /// <summary>True when one of sorted ranges has the key.</summary>
    public static bool AnyHas(ReadOnlySpan<KeyRange> sorted, ReadOnlySpan<byte> key)
    {
        int low = 0;
        for (int high = sorted.Length; low < high;)
        {
            int middle = (low + high) >>> 1;
            (low, high) = key.SequenceCompareTo(sorted[middle].From) < 0 ? (low, middle) : (middle + 1, high);
        }

        return low > 0 && key.SequenceCompareTo(sorted[low - 1].To) < 0;
    }
}
