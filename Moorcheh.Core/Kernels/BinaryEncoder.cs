using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Moorcheh.Kernels;

/// <summary>Writes the one-bit code and the two factors of a vector into its lane of a block (RaBitQ, arXiv 2405.12497).</summary>
/// <remarks>
/// With o = Pi(x - c), r = |x - c|, n the padded dimension and l1 = sum |o_j|, the code keeps the signs of o and two floats:
/// <code>
/// a = r^2 / l1                                      scales sum_j sign(o_j) p_j to an unbiased estimate of &lt;q - c, x - c&gt;
/// e = r sqrt(1 - alpha^2) / (alpha sqrt(n - 1))     its error per unit of |q - c|;  alpha = l1 / (r sqrt n)
/// </code>
/// The third number an estimate needs, &lt;c, x&gt; - &lt;c, c&gt;, is not stored. As r^2/alpha^2 = n a^2 and
/// e^2 (n-1) = r^2/alpha^2 - r^2, <c>r^2 = n a^2 - (n-1) e^2</c>, and for |x| = 1 <c>&lt;c, x&gt; - &lt;c, c&gt; = (1 - |c|^2 - r^2) / 2</c>. With r at most 2 the float
/// rounding of a and e moves it by less than 1e-6, inside the slack of <see cref="BinaryBounds"/>.
/// <para>
/// The zero vector has no unit length, so it is marked by e = -1: its inner product with everything is 0 without any error.
/// x = c gives a = e = 0, which the formulas carry without a special case.
/// </para>
/// </remarks>
internal static class BinaryEncoder
{
    /// <summary>The value of the second factor that marks a zero vector.</summary>
    public const float ZeroVectorMark = -1;

    /// <summary>Encodes <paramref name="vector"/> into one lane. Nothing outside that lane is read or written.</summary>
    /// <param name="vector">Length 1 within 1e-6, or all zero.</param>
    /// <param name="centre">As long as the vector, its length at most 1.</param>
    /// <param name="signs">From <see cref="Rotation.FillSigns"/>.</param>
    /// <param name="scratch">As long as the padded dimension; left with the rotated residual.</param>
    /// <param name="codes">The code block.</param>
    /// <param name="factors">The factor block.</param>
    /// <param name="lane">The slot's place in the block.</param>
    public static void Encode(
        ReadOnlySpan<float> vector,
        ReadOnlySpan<float> centre,
        ReadOnlySpan<ulong> signs,
        Span<float> scratch,
        Span<byte> codes,
        Span<float> factors,
        int lane)
    {
        int padded = BlockLayout.PaddedDimension(vector.Length);
        BlockLayout.Require(scratch.Length, padded, nameof(scratch));
        BlockLayout.Require(codes.Length, BlockLayout.CodeBytesPerBlock(padded), nameof(codes));
        BlockLayout.Require(factors.Length, BlockLayout.FactorsPerBlock, nameof(factors));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)lane, (uint)BlockLayout.SlotsPerBlock, nameof(lane));

        scratch = scratch[..padded];
        Residual(vector, centre, scratch);
        double squaredRadius = DoubleSums.Dot(scratch, scratch);
        Rotation.Apply(scratch, signs);
        double magnitudes = DoubleSums.Magnitudes(scratch);
        WriteSigns(scratch, codes, lane);

        float a = 0;
        float e = 0;
        if (!vector.ContainsAnyExcept(0f))
        {
            e = ZeroVectorMark;
        }
        else if (magnitudes > 0)
        {
            double scale = squaredRadius / magnitudes;
            a = (float)scale;
            e = (float)Math.Sqrt(Math.Max(0, (padded * scale * scale) - squaredRadius) / (padded - 1));
        }

        factors[lane] = a;
        factors[BlockLayout.SlotsPerBlock + lane] = e;
    }

    /// <summary>Writes <c>vector - centre</c>, and zeros behind it.</summary>
    internal static void Residual(ReadOnlySpan<float> vector, ReadOnlySpan<float> centre, Span<float> residual)
    {
        if (vector.Length != centre.Length)
        {
            throw new ArgumentException($"The centre has {centre.Length} values; the vector has {vector.Length}.", nameof(centre));
        }

        int i = 0;
        for (; i <= vector.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (new Vector<float>(vector[i..]) - new Vector<float>(centre[i..])).CopyTo(residual[i..]);
        }

        for (; i < vector.Length; i++)
        {
            residual[i] = vector[i] - centre[i];
        }

        residual[vector.Length..].Clear();
    }

    /// <summary>A bit is set for <c>o >= 0</c>: -0.0 counts as positive, as the factors do not depend on the choice.</summary>
    internal static void WriteSigns(ReadOnlySpan<float> rotated, Span<byte> codes, int lane)
    {
        if (!Vector128.IsHardwareAccelerated)
        {
            WriteSignsScalar(rotated, codes, lane);
            return;
        }

        ref float o = ref MemoryMarshal.GetReference(rotated);
        for (int row = 0; row < rotated.Length / BlockLayout.DimensionsPerRow; row++)
        {
            nuint first = (nuint)(row * BlockLayout.DimensionsPerRow);
            uint bits;
            if (Vector256.IsHardwareAccelerated)
            {
                bits = Vector256.GreaterThanOrEqual(Vector256.LoadUnsafe(ref o, first), Vector256<float>.Zero).ExtractMostSignificantBits();
            }
            else
            {
                bits = Vector128.GreaterThanOrEqual(Vector128.LoadUnsafe(ref o, first), Vector128<float>.Zero).ExtractMostSignificantBits()
                    | (Vector128.GreaterThanOrEqual(Vector128.LoadUnsafe(ref o, first + 4), Vector128<float>.Zero)
                        .ExtractMostSignificantBits() << 4);
            }

            codes[(row * BlockLayout.SlotsPerBlock) + lane] = (byte)bits;
        }
    }

    internal static void WriteSignsScalar(ReadOnlySpan<float> rotated, Span<byte> codes, int lane)
    {
        for (int row = 0; row < rotated.Length / BlockLayout.DimensionsPerRow; row++)
        {
            int bits = 0;
            for (int j = 0; j < BlockLayout.DimensionsPerRow; j++)
            {
                bits |= rotated[(row * BlockLayout.DimensionsPerRow) + j] >= 0 ? 1 << j : 0;
            }

            codes[(row * BlockLayout.SlotsPerBlock) + lane] = (byte)bits;
        }
    }
}
