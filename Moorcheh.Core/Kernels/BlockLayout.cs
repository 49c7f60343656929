namespace Moorcheh.Kernels;

/// <summary>Sizes of the binary tier: slots live in blocks of 64, a code has one bit per padded dimension.</summary>
/// <remarks>
/// A code block is a matrix of bytes, one 64-byte row for every 8 rotated dimensions. The byte of lane <c>i</c> holds that slot's
/// signs of dimensions <c>8p .. 8p+7</c>, lowest bit first: its low nibble is group <c>2p</c>, its high nibble group <c>2p+1</c>.
/// A factor block is 128 floats: the first factor of 64 slots, then the second.
/// Lanes are whole bytes and whole floats, so a writer may fill one lane while readers use the others; the writer publishes the
/// lane afterwards (live mask, release).
/// </remarks>
internal static class BlockLayout
{
    /// <summary>Slots of a block; a mask of live or wanted slots is one <see cref="ulong"/>.</summary>
    public const int SlotsPerBlock = 64;

    /// <summary>Codes have a multiple of this many dimensions; the missing ones are zero before the rotation.</summary>
    public const int DimensionGranule = 64;

    /// <summary>Largest vector length the kernels are tested for. The 32-bit sums would carry far more.</summary>
    public const int MaxDimension = 16_384;

    /// <summary>Rotated dimensions that share one byte of a code, and one 64-byte row of a block.</summary>
    public const int DimensionsPerRow = 8;

    /// <summary>Floats of a factor block: two per slot.</summary>
    public const int FactorsPerBlock = 2 * SlotsPerBlock;

    /// <summary>The vector length rounded up to a multiple of <see cref="DimensionGranule"/>.</summary>
    public static int PaddedDimension(int dimension)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(dimension, MaxDimension);
        return (dimension + DimensionGranule - 1) & -DimensionGranule;
    }

    /// <summary>Bytes of one code block of 64 slots.</summary>
    public static int CodeBytesPerBlock(int paddedDimension) => paddedDimension / DimensionsPerRow * SlotsPerBlock;

    /// <summary>Bytes of one query's lookup tables: 16 for every group of four dimensions.</summary>
    public static int TableBytes(int paddedDimension) => paddedDimension / 4 * 16;

    /// <summary>Throws unless <paramref name="actual"/> is at least <paramref name="needed"/>: the loops behind it do not check.</summary>
    public static void Require(int actual, long needed, string what)
    {
        if (actual < needed)
        {
            throw new ArgumentException($"The span has {actual} elements; {needed} are needed.", what);
        }
    }

    /// <summary>Blocks that so many slots take.</summary>
    public static int Blocks(int slots) => (slots + SlotsPerBlock - 1) / SlotsPerBlock;

    /// <summary>Throws unless the padded dimension is one that <see cref="PaddedDimension"/> can return.</summary>
    public static void RequirePadded(int paddedDimension)
    {
        if (paddedDimension <= 0 || paddedDimension > MaxDimension || paddedDimension % DimensionGranule != 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(paddedDimension), paddedDimension, $"A padded dimension is a multiple of {DimensionGranule} up to {MaxDimension}.");
        }
    }
}
