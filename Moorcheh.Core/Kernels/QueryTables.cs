using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Moorcheh.Kernels;

/// <summary>Builds the byte lookup tables by which a block scan sums a float query against one-bit codes (PQ Fast Scan, RaBitQ).</summary>
/// <remarks>
/// With p = Pi(q - c), group g is the rotated dimensions 4g .. 4g+3 and v a nibble of a code. The exact entry is
/// <c>L_g[v] = sum_t (v_t ? +p : -p)</c>, from <c>min_g = -sum_t |p|</c> up to <c>-min_g</c>. The byte is
/// <c>U_g[v] = floor((L_g[v] - min_g) / Delta + u_g)</c>, and a slot's estimate of <c>sum_j sign_j p_j</c> is
/// <c>Delta sum_g U_g[code_g] + sum_g min_g</c>.
/// <para>
/// Width. The eight entries that the bytes of four rows index (32 dimensions) are added as bytes before anything is widened, which
/// saves a sixth of the scan's instructions against widening each row. So Delta is chosen by the widest such group of eight: its
/// largest entries, each rounded up, add up to at most 255. The coarser step costs little because of the next point.
/// </para>
/// <para>
/// Rounding. u_g is a number in [0, 1) from the seed, one a group. So the expectation of U_g[v] over u_g is the exact quotient,
/// the errors of different groups are independent and each lies in an interval of length Delta; by Hoeffding's lemma their sum over
/// G groups is sub-Gaussian with scale Delta sqrt(G) / 2. The error of the code is sub-Gaussian too, so the squares of the two scales
/// add: at 512 dimensions the tables widen the bound by 0.6 %. The worst case over all codes, G Delta / 2 with plain rounding,
/// would widen it by a third at eps = 3.
/// </para>
/// </remarks>
internal static class QueryTables
{
    /// <summary>Rows whose table entries a scan may add as bytes.</summary>
    public const int RowsAddedAsBytes = 4;

    // Each of the eight entries may be rounded up by less than one.
    private const int LargestByteSum = 255 - (2 * RowsAddedAsBytes);

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
        ReadOnlySpan<ulong> signs,
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

        float range = 2 * Widest(scratch);
        if (range < SmallestRange)
        {
            tables.Clear();
            return new QueryTerms(0, 0, (float)offset, (float)residual, 0, padded);
        }

        float step = range / LargestByteSum;
        float inverse = LargestByteSum / range;
        if (Sse2.IsSupported || AdvSimd.Arm64.IsSupported)
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

    /// <summary>The largest sum of 32 magnitudes that share a byte sum: four lanes, added up in pairs.</summary>
    private static float Widest(ReadOnlySpan<float> p)
    {
        const int Step = RowsAddedAsBytes * BlockLayout.DimensionsPerRow;
        float widest = 0;
        for (int i = 0; i < p.Length; i += Step)
        {
            Vector128<float> lanes = Vector128<float>.Zero;
            for (int j = 0; j < Step; j += 4)
            {
                lanes += Vector128.Abs(Vector128.Create(p.Slice(i + j, 4)));
            }

            widest = MathF.Max(widest, lanes[0] + lanes[1] + (lanes[2] + lanes[3]));
        }

        return widest;
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

            // Entry 0 before it is cut: what the negative coordinates contribute, and the dither.
            float start = MathF.Max(-w0, 0) + MathF.Max(-w1, 0) + (MathF.Max(-w2, 0) + MathF.Max(-w3, 0)) + Dither(seed, group);
            for (int v = 0; v < 16; v++)
            {
                float entry = start;
                entry += (v & 1) != 0 ? w0 : 0;
                entry += (v & 2) != 0 ? w1 : 0;
                entry += (v & 4) != 0 ? w2 : 0;
                entry += (v & 8) != 0 ? w3 : 0;

                // Rounding can leave an entry that should be 0 a hair below it; it is cut towards zero.
                tables[(group * 16) + v] = (byte)(int)entry;
            }
        }
    }

    /// <summary>Four groups at a time, one a lane.</summary>
    internal static void FillVector128(ReadOnlySpan<float> p, float inverse, ulong seed, Span<byte> tables)
    {
        ref float source = ref MemoryMarshal.GetReference(p);
        ref byte table = ref MemoryMarshal.GetReference(tables);
        Vector128<float> zero = Vector128<float>.Zero;
        for (int group = 0; group < p.Length / 4; group += 4)
        {
            nuint at = (nuint)group * 4;
            (Vector128<uint> c0, Vector128<uint> c1, Vector128<uint> c2, Vector128<uint> c3) = Transpose(
                Vector128.LoadUnsafe(ref source, at).AsUInt32(),
                Vector128.LoadUnsafe(ref source, at + 4).AsUInt32(),
                Vector128.LoadUnsafe(ref source, at + 8).AsUInt32(),
                Vector128.LoadUnsafe(ref source, at + 12).AsUInt32());
            Vector128<float> w0 = 2 * c0.AsSingle() * inverse;
            Vector128<float> w1 = 2 * c1.AsSingle() * inverse;
            Vector128<float> w2 = 2 * c2.AsSingle() * inverse;
            Vector128<float> w3 = 2 * c3.AsSingle() * inverse;
            Vector128<float> dither = Vector128.Create(
                Dither(seed, group), Dither(seed, group + 1), Dither(seed, group + 2), Dither(seed, group + 3));
            Vector128<float> e0 = Vector128.MaxNative(-w0, zero) + Vector128.MaxNative(-w1, zero)
                + (Vector128.MaxNative(-w2, zero) + Vector128.MaxNative(-w3, zero)) + dither;
            Vector128<float> e1 = e0 + w0;
            Vector128<float> e2 = e0 + w1;
            Vector128<float> e3 = e1 + w1;
            Vector128<uint> entries8 = Pack(e0 + w3, e1 + w3, e2 + w3, e3 + w3);
            Vector128<uint> entries0 = Pack(e0, e1, e2, e3);
            e0 += w2;
            e1 += w2;
            e2 += w2;
            e3 += w2;
            (c0, c1, c2, c3) = Transpose(entries0, Pack(e0, e1, e2, e3), entries8, Pack(e0 + w3, e1 + w3, e2 + w3, e3 + w3));
            at *= 4;
            c0.AsByte().StoreUnsafe(ref table, at);
            c1.AsByte().StoreUnsafe(ref table, at + 16);
            c2.AsByte().StoreUnsafe(ref table, at + 32);
            c3.AsByte().StoreUnsafe(ref table, at + 48);
        }
    }

    /// <summary>Four entries of each lane's group, cut to bytes, in one 32-bit word.</summary>
    private static Vector128<uint> Pack(Vector128<float> e0, Vector128<float> e1, Vector128<float> e2, Vector128<float> e3) =>
        Cut(e0) | (Cut(e1) << 8) | (Cut(e2) << 16) | (Cut(e3) << 24);

    private static Vector128<uint> Cut(Vector128<float> entry) => Vector128.ConvertToInt32Native(entry).AsUInt32();

    private static (Vector128<uint> Column0, Vector128<uint> Column1, Vector128<uint> Column2, Vector128<uint> Column3) Transpose(
        Vector128<uint> row0, Vector128<uint> row1, Vector128<uint> row2, Vector128<uint> row3)
    {
        Vector128<uint> low02 = ZipLow(row0, row2);
        Vector128<uint> high02 = ZipHigh(row0, row2);
        Vector128<uint> low13 = ZipLow(row1, row3);
        Vector128<uint> high13 = ZipHigh(row1, row3);
        return (ZipLow(low02, low13), ZipHigh(low02, low13), ZipLow(high02, high13), ZipHigh(high02, high13));
    }

    private static Vector128<uint> ZipLow(Vector128<uint> x, Vector128<uint> y) =>
        Sse2.IsSupported ? Sse2.UnpackLow(x, y) : AdvSimd.Arm64.ZipLow(x, y);

    private static Vector128<uint> ZipHigh(Vector128<uint> x, Vector128<uint> y) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(x, y) : AdvSimd.Arm64.ZipHigh(x, y);
}
