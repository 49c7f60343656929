using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Moorcheh.Kernels;

/// <summary>Writes the eight-bit code of a vector: the second tier, whose bound is a proof and needs no luck.</summary>
/// <remarks>
/// With d = x - c, the code is <c>x8 = round(d / s)</c>, <c>s = max |d_i| / 127</c>, and two floats are kept: s, and eta, at least
/// <c>|d - s x8|</c>. By Cauchy-Schwarz <c>|&lt;q, d&gt; - s &lt;q, x8&gt;| &lt;= |q| eta</c> for every q. A centre makes d shorter than x,
/// and takes away what dominates the largest element where all vectors share some large coordinates; an empty centre means none.
/// <para>
/// eta is computed in float: the residual d_i - s x8_i carries at most three roundings, of d_i, of s x8_i and of the difference, together
/// at most 6e-8 (|d| + |s x8| + |d - s x8|) &lt;= 3e-7 in norm for |x|, |c| at most 1. <see cref="ResidualSlack"/> covers it, and a
/// relative 1e-6 the square root and the conversion to float. However x8 was rounded, eta is measured on the result.
/// </para>
/// </remarks>
internal static class ByteEncoder
{
    private const int LargestCode = 127;
    private const double ResidualSlack = 5e-7;
    private const double RelativeSlack = 1e-6;

    // Adding and subtracting 1.5 * 2^23 rounds a float below 2^22 to the nearest integer, ties to even, on every machine.
    private const float Rounder = 12_582_912f;

    /// <summary>Encodes a vector.</summary>
    /// <param name="vector">At most 1 long, within 1e-6.</param>
    /// <param name="centre">As long as the vector and at most 1 in norm, or empty.</param>
    /// <param name="scratch">As long as the padded dimension.</param>
    /// <param name="codes">A row, as long as the padded dimension; zeros behind the vector's end.</param>
    /// <param name="scale">Receives s.</param>
    /// <param name="error">Receives eta.</param>
    public static void Encode(
        ReadOnlySpan<float> vector,
        ReadOnlySpan<float> centre,
        Span<float> scratch,
        Span<sbyte> codes,
        out float scale,
        out float error)
    {
        int padded = BlockLayout.PaddedDimension(vector.Length);
        BlockLayout.Require(scratch.Length, padded, nameof(scratch));
        BlockLayout.Require(codes.Length, padded, nameof(codes));
        scratch = scratch[..padded];
        codes = codes[..padded];
        if (centre.IsEmpty)
        {
            vector.CopyTo(scratch);
            scratch[vector.Length..].Clear();
        }
        else
        {
            BinaryEncoder.Residual(vector, centre, scratch);
        }

        float largest = Largest(scratch);
        scale = largest / LargestCode;
        float inverse = LargestCode / largest;
        if (!float.IsNormal(scale) || !float.IsFinite(inverse))
        {
            // Nothing worth a code: all of d is error.
            codes.Clear();
            scale = 0;
        }
        else if (Vector128.IsHardwareAccelerated)
        {
            QuantiseVector128(scratch, scale, inverse, codes);
        }
        else
        {
            QuantiseScalar(scratch, scale, inverse, codes);
        }

        double squared = DoubleSums.Dot(scratch, scratch);
        error = squared == 0 && scale == 0 ? 0 : (float)((Math.Sqrt(squared) * (1 + RelativeSlack)) + ResidualSlack);
    }

    private static float Largest(ReadOnlySpan<float> values)
    {
        Vector<float> largest = Vector<float>.Zero;
        for (int i = 0; i < values.Length; i += Vector<float>.Count)
        {
            largest = Vector.Max(largest, Vector.Abs(new Vector<float>(values[i..])));
        }

        float result = 0;
        for (int i = 0; i < Vector<float>.Count; i++)
        {
            result = MathF.Max(result, largest[i]);
        }

        return result;
    }

    /// <summary>Writes the codes and leaves the residual d - s x8 in <paramref name="values"/>.</summary>
    internal static void QuantiseScalar(Span<float> values, float scale, float inverse, Span<sbyte> codes)
    {
        for (int i = 0; i < values.Length; i++)
        {
            float rounded = MathF.Min(MathF.Max((values[i] * inverse) + Rounder - Rounder, -LargestCode), LargestCode);
            codes[i] = (sbyte)rounded;
            values[i] -= rounded * scale;
        }
    }

    internal static void QuantiseVector128(Span<float> values, float scale, float inverse, Span<sbyte> codes)
    {
        ref float v = ref MemoryMarshal.GetReference(values);
        ref sbyte c = ref MemoryMarshal.GetReference(codes);
        for (nuint i = 0; i < (nuint)values.Length; i += 16)
        {
            Vector128<short> low = Vector128.Narrow(Quantise(ref v, i, scale, inverse), Quantise(ref v, i + 4, scale, inverse));
            Vector128<short> high = Vector128.Narrow(Quantise(ref v, i + 8, scale, inverse), Quantise(ref v, i + 12, scale, inverse));
            Vector128.Narrow(low, high).StoreUnsafe(ref c, i);
        }
    }

    private static Vector128<int> Quantise(ref float values, nuint i, float scale, float inverse)
    {
        Vector128<float> value = Vector128.LoadUnsafe(ref values, i);
        Vector128<float> rounder = Vector128.Create(Rounder);
        Vector128<float> rounded = (value * inverse) + rounder - rounder;
        rounded = Vector128.Min(Vector128.Max(rounded, Vector128.Create((float)-LargestCode)), Vector128.Create((float)LargestCode));
        (value - (rounded * scale)).StoreUnsafe(ref values, i);
        return Vector128.ConvertToInt32(rounded);
    }
}
