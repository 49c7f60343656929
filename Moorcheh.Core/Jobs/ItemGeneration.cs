namespace Moorcheh.Jobs;

/// <summary>
/// Item records of a namespace are numbered within generations. A record that an item gets by being embedded again has the number of the one it is made
/// from, in the next generation; so both are told apart by number alone, and the chunks of an artifact keep consecutive numbers.
/// </summary>
internal static class ItemGeneration
{
    /// <summary>
    /// Numbers of one generation. No namespace writes as many records, and there are 8 million generations.
    /// </summary>
    public const long Size = 1L << 40;

    public static long Of(long record) => record / Size;

    /// <summary>The number that a record gets in the next generation.</summary>
    public static long Next(long record) => record + Size;

    /// <summary>The number of the record that one of the next generation was made from.</summary>
    public static long Source(long next) => next - Size;
}
