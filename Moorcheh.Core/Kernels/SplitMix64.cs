namespace Moorcheh.Kernels;

/// <summary>The SplitMix64 generator (Steele, Lea, Flood 2014), addressed by index so that it needs no state.</summary>
internal static class SplitMix64
{
    /// <summary>Output number <paramref name="index"/> of the generator seeded with <paramref name="seed"/>.</summary>
    public static ulong At(ulong seed, ulong index)
    {
        ulong z = unchecked(seed + ((index + 1) * 0x9E3779B97F4A7C15UL));
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EBUL);
        return z ^ (z >> 31);
    }
}
