namespace Moorcheh.Kernels;

/// <summary>
/// The sum of two float64 values, the second one at most half a unit in the last place of the first: about 106 bits. For numbers far from
/// the ends of the exponents' range.
/// </summary>
internal readonly record struct DoubleDouble(double High, double Low)
{
    /// <summary>The exact sum of two numbers.</summary>
    public static DoubleDouble Sum(double x, double y)
    {
        double sum = x + y;
        double part = sum - x;
        return new DoubleDouble(sum, (x - (sum - part)) + (y - part));
    }

    /// <summary>Adds another; relative to the magnitudes of both the error is below 2^-104.</summary>
    public DoubleDouble Add(double high, double low)
    {
        DoubleDouble sum = Sum(High, high);
        return Sum(sum.High, sum.Low + (Low + low));
    }

    /// <summary>The product; relative error below 2^-103.</summary>
    public DoubleDouble Times(DoubleDouble other)
    {
        double high = High * other.High;
        double low = Math.FusedMultiplyAdd(High, other.High, -high) + ((High * other.Low) + (Low * other.High));
        return Sum(high, low);
    }

    /// <summary>The square root of a positive number; relative error below 2^-103.</summary>
    public DoubleDouble Root()
    {
        double root = Math.Sqrt(High);
        double rest = Math.FusedMultiplyAdd(-root, root, High) + Low;
        return Sum(root, rest / (2 * root));
    }

    /// <summary>The quotient; relative error below 2^-102.</summary>
    public DoubleDouble Over(DoubleDouble divisor)
    {
        double quotient = High / divisor.High;
        double rest = Math.FusedMultiplyAdd(-quotient, divisor.High, High) + (Low - (quotient * divisor.Low));
        return Sum(quotient, rest / divisor.High);
    }
}
