namespace Moorcheh.Index.Postings;

/// <summary>Keys from one on and before another, in the order of bytes.</summary>
internal readonly record struct KeyRange(byte[] From, byte[] To)
{
    /// <summary>Every key.</summary>
    public static KeyRange All { get; } = new([], [byte.MaxValue]);

    /// <summary>One key.</summary>
    public static KeyRange Only(byte[] key) => new(key, [.. key, 0]);

    public bool Contains(ReadOnlySpan<byte> key) => key.SequenceCompareTo(From) >= 0 && key.SequenceCompareTo(To) < 0;
}
