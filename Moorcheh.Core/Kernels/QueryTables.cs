using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Moorcheh.Kernels;

/// <summary>Builds the byte lookup tables by which a block scan sums a float query against one-bit codes (PQ Fast Scan, RaBitQ).</summary>
/// <remarks>
/// With p = Pi(q - c), group g is the rotated dimensions 4g .. 4g+3 and v a nibble of a code. The exact entry is
/// <c>L_g[v] = sum_t (v_t ? +p : -p)</c>, from <c>min_g = -sum_t |p|</c> up to <c>-min_g</c>. The byte is
/// <c>U_g[v] = floor((L_g[v] - min_g) / Delta + u_g)</c>, and a slot's estimate of <c>sum_j sign_j p_j</c> is
/// <c>Delta sum_g U_g[code_g] + sum_g min_g</c>.
/// <para>
/// Width. The two tables that one code byte indexes are added as bytes before anything is widened, which saves a quarter of the
/// scan's additions. So Delta is chosen by the widest pair of groups: the two largest entries together, each rounded up, stay within
/// 255. That makes Delta about 1.7 times that of single bytes, where halving to seven bits would make it 2 times.
/// </para>
/// <para>
/// Rounding. u_g is a number in [0, 1) from the seed, one a group. So the expectation of U_g[v] over u_g is the exact quotient,
/// the errors of different groups are independent and each lies in an interval of length Delta; by Hoeffding's lemma their sum over
/// G groups is sub-Gaussian with scale Delta sqrt(G) / 2. A bound that adds eps times this to the error of the code keeps the
/// tail exp(-eps^2/2) of the code alone, because scales of independent sub-Gaussian errors add in squares and we add them plainly.
/// The worst case over all codes, G Delta / 2 with plain rounding, would be three to ten times as wide.
/// </para>
/// </remarks>
internal static class QueryTables
{
    private const int GroupsPerPair = 2;

    // Each of the two entries of a pair may be rounded up by less than one, so 255 - 2.
    private const int LargestPairSum = 253;

    // Below this the quotient by Delta would leave the range of float. A query this close to the centre has inner products with
    // every residual of at most this size, so empty tables are exact to far below the slack of the bounds.
    private const float SmallestRange = 1e-30f;

    private const ulong DitherStream = 0xD1B5_4A32_D192_ED03;

    /// <summary>Builds the tables of one query against one centre.</summary>
    /// <param name="query">Length 1 within 1e-6, or all zero.</param>
    /// <param name="centre">The centre the codes were made with.</param>
    /// <param name="signs">The rotation the codes were made with.</param>
    /// <param name="seed">Chooses the rounding; best the rotation's.</param>
    /// <param name="scratch">As long as the padded dimension; left with p.</param>
    /// <param name="tables"><see cref="BlockLayout.TableBytes"/>: 16 entries a group.</param>
    public static QueryTerms Build(
        ReadOnlySpan<float> query,
        ReadOnlySpan<float> centre,
        ReadOnlySpan<uint> signs,
        ulong seed,
        Span<float> scratch,
        Span<byte> tables)
    {
        int padded = BlockLayout.PaddedDimension(query.Length);
        BlockLayout.Require(scratch.Length, padded, nameof(scratch));
        BlockLayout.Require(tables.Length, BlockLayout.TableBytes(padded), nameof(tables));
        scratch = scratch[..padded];
        tables = tables[..BlockLayout.TableBytes(padded)];

        BinaryEncoder.Residual(query, centre, scratch);
        double residual = Math.Sqrt(DoubleSums.Dot(scratch, scratch));
        Rotation.Apply(scratch, signs);
        double offset = DoubleSums.Dot(query, centre) + ((1 - DoubleSums.Dot(centre, centre)) / 2);

        float range = WidestPair(scratch);
        if (range < SmallestRange)
        {
            tables.Clear();
            return new QueryTerms(0, 0, (float)offset, (float)residual, 0, padded);
        }

        float step = range / LargestPairSum;
        float inverse = LargestPairSum / range;
        if (Vector128.IsHardwareAccelerated)
        {
            FillVector128(scratch, inverse, seed, tables);
        }
        else
        {
            FillScalar(scratch, inverse, seed, tables);
        }

        double deviation = step * Math.Sqrt(padded / 4) / 2;
        return new QueryTerms(step, (float)-DoubleSums.Magnitudes(scratch), (float)offset, (float)residual, (float)deviation, padded);
    }

    /// <summary>The largest range of a pair of groups: twice the sum of eight magnitudes.</summary>
    private static float WidestPair(ReadOnlySpan<float> p)
    {
        float widest = 0;
        for (int i = 0; i < p.Length; i += GroupsPerPair * 4)
        {
            ReadOnlySpan<float> o = p.Slice(i, GroupsPerPair * 4);
            float sum = MathF.Abs(o[0]) + MathF.Abs(o[1]) + (MathF.Abs(o[2]) + MathF.Abs(o[3]))
                + (MathF.Abs(o[4]) + MathF.Abs(o[5]) + (MathF.Abs(o[6]) + MathF.Abs(o[7])));
            widest = MathF.Max(widest, sum);
        }

        return 2 * widest;
    }

    /// <summary>The number in [0, 1), a multiple of 2^-24, that is added before the entries of a group are cut to integers.</summary>
    private static float Dither(ulong seed, int group) => (SplitMix64.At(seed ^ DitherStream, (ulong)group) >> 40) * (1f / (1 << 24));

    internal static void FillScalar(ReadOnlySpan<float> p, float inverse, ulong seed, Span<byte> tables)
    {
        for (int group = 0; group < p.Length / 4; group++)
        {
            ReadOnlySpan<float> o = p.Slice(group * 4, 4);
            float w0 = 2 * o[0] * inverse;
            float w1 = 2 * o[1] * inverse;
            float w2 = 2 * o[2] * inverse;
            float w3 = 2 * o[3] * inverse;
            float start = Start(w0, w1, w2, w3, Dither(seed, group));
            for (int v = 0; v < 16; v++)
            {
                float entry = start;
                entry += (v & 1) != 0 ? w0 : 0;
                entry += (v & 2) != 0 ? w1 : 0;
                entry += (v & 4) != 0 ? w2 : 0;
                entry += (v & 8) != 0 ? w3 : 0;
                tables[(group * 16) + v] = (byte)Math.Max(0, (int)entry);
            }
        }
    }

    internal static void FillVector128(ReadOnlySpan<float> p, float inverse, ulong seed, Span<byte> tables)
    {
        ref byte table = ref MemoryMarshal.GetReference(tables);
        for (int group = 0; group < p.Length / 4; group++)
        {
            ReadOnlySpan<float> o = p.Slice(group * 4, 4);
            float w0 = 2 * o[0] * inverse;
            float w1 = 2 * o[1] * inverse;
            float w2 = 2 * o[2] * inverse;
            float w3 = 2 * o[3] * inverse;
            Vector128<float> first = Vector128.Create(Start(w0, w1, w2, w3, Dither(seed, group)))
                + Vector128.Create(0, w0, 0, w0)
                + Vector128.Create(0, 0, w1, w1);
            Vector128<float> second = first + Vector128.Create(w2);
            Vector128<int> e0 = Entries(first);
            Vector128<int> e1 = Entries(second);
            Vector128<int> e2 = Entries(first + Vector128.Create(w3));
            Vector128<int> e3 = Entries(second + Vector128.Create(w3));
            Vector128.Narrow(Vector128.Narrow(e0, e1), Vector128.Narrow(e2, e3)).AsByte().StoreUnsafe(ref table, (nuint)(group * 16));
        }
    }

    // Rounding can leave an entry that should be 0 a hair below it; the cut to an integer then gives 0, never -1.
    private static Vector128<int> Entries(Vector128<float> values) =>
        Vector128.Max(Vector128<int>.Zero, Vector128.ConvertToInt32(values));

    /// <summary>Entry 0 of a group before it is cut: what its negative coordinates contribute, and the dither.</summary>
    private static float Start(float w0, float w1, float w2, float w3, float dither) =>
        MathF.Max(-w0, 0) + MathF.Max(-w1, 0) + (MathF.Max(-w2, 0) + MathF.Max(-w3, 0)) + dither;
}
