using System.Numerics;

namespace Moorcheh.Kernels;

/// <summary>The slow way to round a cosine, with whole numbers, where the quick one cannot tell on which side of the middle it is.</summary>
internal static class ExactRounding
{
    // A float32 is a whole number of 24 bits times 2 to the power of -149 to 104. Sums of 2^15 products of one power fit into a long.
    private const int MinExponent = -149;
    private const int Exponents = (2 * (104 - MinExponent)) + 1;
    private const int MaxTerms = 1 << 15;

    /// <summary>Rounds the cosine of two vectors, times <see cref="RankingCosine.Scale"/>; half-way to the even number.</summary>
    /// <param name="x">A vector, not zero.</param>
    /// <param name="y">Likewise.</param>
    /// <param name="whole">The scaled cosine is less than 1 away from this number.</param>
    /// <param name="rest">By about this much.</param>
    public static double Nearest(ReadOnlySpan<float> x, ReadOnlySpan<float> y, double whole, double rest)
    {
        // The middle, doubled, and without its sign: an odd number.
        long middle = Math.Abs((2 * (long)whole) + (rest > 0 ? 1 : -1));
        BigInteger scaled = BigInteger.Abs(Dot(x, y)) << 54;
        int side = (scaled * scaled).CompareTo(Dot(x, x) * Dot(y, y) * middle * middle);
        long below = middle / 2;
        long nearest = side == 0 ? below + (below & 1) : side < 0 ? below : below + 1;
        return whole + rest < 0 ? -nearest : nearest;
    }

    /// <summary>The dot product times 2^298.</summary>
    private static BigInteger Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(x.Length, MaxTerms, nameof(x));
        Span<long> sums = stackalloc long[Exponents];
        sums.Clear();
        for (int i = 0; i < x.Length; i++)
        {
            (int mantissaX, int exponentX) = Split(x[i]);
            (int mantissaY, int exponentY) = Split(y[i]);
            sums[exponentX + exponentY] += (long)mantissaX * mantissaY;
        }

        BigInteger total = 0;
        for (int exponent = Exponents - 1; exponent >= 0; exponent--)
        {
            total = (total << 1) + sums[exponent];
        }

        return total;
    }

    /// <summary>A finite value as a whole number and an exponent, counted from <see cref="MinExponent"/>.</summary>
    private static (int Mantissa, int Exponent) Split(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        int exponent = (int)(bits >> 23) & 0xFF;
        int mantissa = (int)(bits & 0x7F_FFFF) | (exponent == 0 ? 0 : 0x80_0000);
        return (value < 0 ? -mantissa : mantissa, Math.Max(exponent - 1, 0));
    }
}
