using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Moorcheh.Kernels;

/// <summary>Sums over float32 elements in eight lanes of double, with the same bits on every instruction set.</summary>
/// <remarks>
/// Lane <c>j</c> adds the elements <c>i = j mod 8</c> in order; then lane j += lane j+4, +2, +1. The product of two floats is exact
/// in double, so it makes no difference whether a machine fuses the multiplication with the addition.
/// </remarks>
internal static class DoubleSums
{
    /// <summary>The inner product of two spans of equal length.</summary>
    public static double Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        if (x.Length != y.Length)
        {
            throw new ArgumentException($"The spans have {x.Length} and {y.Length} elements; they must be equally long.", nameof(y));
        }

        return Vector128.IsHardwareAccelerated ? DotVector128(x, y) : DotScalar(x, y);
    }

    /// <summary>The sum of absolute values.</summary>
    public static double Magnitudes(ReadOnlySpan<float> x) =>
        Vector128.IsHardwareAccelerated ? MagnitudesVector128(x) : MagnitudesScalar(x);

    internal static double DotScalar(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Span<double> lanes = stackalloc double[8];
        lanes.Clear();
        for (int i = 0; i < x.Length; i++)
        {
            lanes[i & 7] += (double)x[i] * y[i];
        }

        return Fold(lanes);
    }

    internal static double MagnitudesScalar(ReadOnlySpan<float> x)
    {
        Span<double> lanes = stackalloc double[8];
        lanes.Clear();
        for (int i = 0; i < x.Length; i++)
        {
            lanes[i & 7] += Math.Abs((double)x[i]);
        }

        return Fold(lanes);
    }

    internal static double DotVector128(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        ref float px = ref MemoryMarshal.GetReference(x);
        ref float py = ref MemoryMarshal.GetReference(y);
        var s0 = Vector128<double>.Zero;
        var s1 = Vector128<double>.Zero;
        var s2 = Vector128<double>.Zero;
        var s3 = Vector128<double>.Zero;
        int i = 0;
        for (; i <= x.Length - 8; i += 8)
        {
            (Vector128<double> x0, Vector128<double> x1) = Vector128.Widen(Vector128.LoadUnsafe(ref px, (nuint)i));
            (Vector128<double> x2, Vector128<double> x3) = Vector128.Widen(Vector128.LoadUnsafe(ref px, (nuint)i + 4));
            (Vector128<double> y0, Vector128<double> y1) = Vector128.Widen(Vector128.LoadUnsafe(ref py, (nuint)i));
            (Vector128<double> y2, Vector128<double> y3) = Vector128.Widen(Vector128.LoadUnsafe(ref py, (nuint)i + 4));
            s0 += x0 * y0;
            s1 += x1 * y1;
            s2 += x2 * y2;
            s3 += x3 * y3;
        }

        Span<double> lanes = stackalloc double[8];
        Spill(lanes, s0, s1, s2, s3);
        for (; i < x.Length; i++)
        {
            lanes[i & 7] += (double)x[i] * y[i];
        }

        return Fold(lanes);
    }

    internal static double MagnitudesVector128(ReadOnlySpan<float> x)
    {
        ref float px = ref MemoryMarshal.GetReference(x);
        var s0 = Vector128<double>.Zero;
        var s1 = Vector128<double>.Zero;
        var s2 = Vector128<double>.Zero;
        var s3 = Vector128<double>.Zero;
        int i = 0;
        for (; i <= x.Length - 8; i += 8)
        {
            (Vector128<double> x0, Vector128<double> x1) = Vector128.Widen(Vector128.Abs(Vector128.LoadUnsafe(ref px, (nuint)i)));
            (Vector128<double> x2, Vector128<double> x3) = Vector128.Widen(Vector128.Abs(Vector128.LoadUnsafe(ref px, (nuint)i + 4)));
            s0 += x0;
            s1 += x1;
            s2 += x2;
            s3 += x3;
        }

        Span<double> lanes = stackalloc double[8];
        Spill(lanes, s0, s1, s2, s3);
        for (; i < x.Length; i++)
        {
            lanes[i & 7] += Math.Abs((double)x[i]);
        }

        return Fold(lanes);
    }

    private static void Spill(Span<double> lanes, Vector128<double> s0, Vector128<double> s1, Vector128<double> s2, Vector128<double> s3)
    {
        s0.CopyTo(lanes);
        s1.CopyTo(lanes[2..]);
        s2.CopyTo(lanes[4..]);
        s3.CopyTo(lanes[6..]);
    }

    private static double Fold(ReadOnlySpan<double> lanes) =>
        (lanes[0] + lanes[4] + (lanes[2] + lanes[6])) + (lanes[1] + lanes[5] + (lanes[3] + lanes[7]));
}
