using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Moorcheh.Kernels;

/// <summary>
/// The dot product that gives the length of a vector before it is encoded: float32 values, summed in 16 lanes of float64. Lane j adds the
/// products at positions j, j + 16, j + 32, ... in this order; then lane j takes in lane j + 8, then j + 4, j + 2, j + 1. A product of two
/// float32 values is exact in float64, so multiplying and adding equals a fused operation and every instruction set gives the same bits.
/// </summary>
internal static class CanonicalDot
{
    private const int Lanes = 16;

    /// <summary>The sum of x[i] * y[i]; the spans have the same length.</summary>
    public static double Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        if (x.Length != y.Length)
        {
            throw new ArgumentException($"Vectors of {x.Length} and {y.Length} values have no dot product.");
        }

        return Vector512.IsHardwareAccelerated ? Dot512(x, y) : Vector256.IsHardwareAccelerated ? Dot256(x, y) : DotScalar(x, y);
    }

    /// <summary>The length of a vector, from <see cref="Dot"/>.</summary>
    public static double Norm(ReadOnlySpan<float> x) => Math.Sqrt(Dot(x, x));

    /// <summary>Defines the result; the other versions repeat it in wider registers.</summary>
    internal static double DotScalar(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Span<double> lanes = stackalloc double[Lanes];
        lanes.Clear();
        for (int i = 0; i < x.Length; i++)
        {
            lanes[i % Lanes] += (double)x[i] * y[i];
        }

        return AddUp(lanes);
    }

    internal static double Dot256(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Vector256<double> a = default, b = default, c = default, d = default;
        ref float px = ref MemoryMarshal.GetReference(x);
        ref float py = ref MemoryMarshal.GetReference(y);
        int whole = x.Length - (x.Length % Lanes);
        for (nuint i = 0; i < (nuint)whole; i += Lanes)
        {
            (Vector256<double> x0, Vector256<double> x1) = Vector256.Widen(Vector256.LoadUnsafe(ref px, i));
            (Vector256<double> y0, Vector256<double> y1) = Vector256.Widen(Vector256.LoadUnsafe(ref py, i));
            (Vector256<double> x2, Vector256<double> x3) = Vector256.Widen(Vector256.LoadUnsafe(ref px, i + 8));
            (Vector256<double> y2, Vector256<double> y3) = Vector256.Widen(Vector256.LoadUnsafe(ref py, i + 8));
            a += x0 * y0;
            b += x1 * y1;
            c += x2 * y2;
            d += x3 * y3;
        }

        Span<double> lanes = stackalloc double[Lanes];
        a.CopyTo(lanes);
        b.CopyTo(lanes[4..]);
        c.CopyTo(lanes[8..]);
        d.CopyTo(lanes[12..]);
        return AddRest(lanes, x[whole..], y[whole..]);
    }

    internal static double Dot512(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Vector512<double> a = default, b = default;
        ref float px = ref MemoryMarshal.GetReference(x);
        ref float py = ref MemoryMarshal.GetReference(y);
        int whole = x.Length - (x.Length % Lanes);
        for (nuint i = 0; i < (nuint)whole; i += Lanes)
        {
            (Vector512<double> x0, Vector512<double> x1) = Vector512.Widen(Vector512.LoadUnsafe(ref px, i));
            (Vector512<double> y0, Vector512<double> y1) = Vector512.Widen(Vector512.LoadUnsafe(ref py, i));
            a += x0 * y0;
            b += x1 * y1;
        }

        Span<double> lanes = stackalloc double[Lanes];
        a.CopyTo(lanes);
        b.CopyTo(lanes[8..]);
        return AddRest(lanes, x[whole..], y[whole..]);
    }

    private static double AddRest(Span<double> lanes, ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        for (int i = 0; i < x.Length; i++)
        {
            lanes[i] += (double)x[i] * y[i];
        }

        return AddUp(lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double AddUp(Span<double> lanes)
    {
        for (int width = Lanes / 2; width > 0; width /= 2)
        {
            for (int j = 0; j < width; j++)
            {
                lanes[j] += lanes[j + width];
            }
        }

        return lanes[0];
    }
}
