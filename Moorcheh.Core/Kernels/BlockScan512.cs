using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Moorcheh.Kernels;

/// <summary><see cref="BlockScan"/> with AVX-512.</summary>
/// <remarks>Written on a machine that cannot run it; it is kept line by line like the 256-bit one for that reason.</remarks>
internal static class BlockScan512
{
    /// <summary>All 64 lanes in one register.</summary>
    public static unsafe void One(in BlockScanUnit work)
    {
        Vector512<byte> nibble = Vector512.Create((byte)15);
        Vector512<ushort> words = Vector512<ushort>.Zero;
        Vector512<ushort> odd = Vector512<ushort>.Zero;
        byte* p = work.Rows;
        byte* table = work.Tables;
        byte* end = p + (work.Count * BlockLayout.SlotsPerBlock);
        nint ahead = work.Ahead;
        while (p < end)
        {
            Vector512<byte> sum = Vector512<byte>.Zero;
            for (int row = 0; row < BlockScanUnit.RowsPerStep; row++)
            {
                Sse.Prefetch0(p + ahead);
                Vector512<byte> code = Vector512.Load(p);
                Vector512<byte> low = code & nibble;
                Vector512<byte> high = Vector512.ShiftRightLogical(code.AsUInt16(), 4).AsByte() & nibble;
                sum += LookUp(table, low, high);
                p += BlockLayout.SlotsPerBlock;
                table += BlockScanUnit.TableBytesPerRow;
            }

            words += sum.AsUInt16();
            odd += Vector512.ShiftRightLogical(sum.AsUInt16(), 8);
        }

        Empty(words, odd, work.Sums, work.Add);
    }

    /// <summary>Four queries over the same rows: see <see cref="BlockScan256.Tile"/>.</summary>
    public static unsafe void Tile(in BlockScanUnit work, int tableBytes, int sumsPerQuery, int last)
    {
        Vector512<byte> nibble = Vector512.Create((byte)15);
        nint second = (nint)Math.Min(1, last) * tableBytes;
        nint third = (nint)Math.Min(2, last) * tableBytes;
        nint fourth = (nint)last * tableBytes;
        Vector512<ushort> words0 = Vector512<ushort>.Zero;
        Vector512<ushort> words1 = Vector512<ushort>.Zero;
        Vector512<ushort> words2 = Vector512<ushort>.Zero;
        Vector512<ushort> words3 = Vector512<ushort>.Zero;
        Vector512<ushort> odd0 = Vector512<ushort>.Zero;
        Vector512<ushort> odd1 = Vector512<ushort>.Zero;
        Vector512<ushort> odd2 = Vector512<ushort>.Zero;
        Vector512<ushort> odd3 = Vector512<ushort>.Zero;
        byte* p = work.Rows;
        byte* table = work.Tables;
        byte* end = p + (work.Count * BlockLayout.SlotsPerBlock);
        nint ahead = work.Ahead;
        while (p < end)
        {
            Vector512<byte> sum0 = Vector512<byte>.Zero;
            Vector512<byte> sum1 = Vector512<byte>.Zero;
            Vector512<byte> sum2 = Vector512<byte>.Zero;
            Vector512<byte> sum3 = Vector512<byte>.Zero;
            for (int row = 0; row < BlockScanUnit.RowsPerStep; row++)
            {
                Sse.Prefetch0(p + ahead);
                Vector512<byte> code = Vector512.Load(p);
                Vector512<byte> low = code & nibble;
                Vector512<byte> high = Vector512.ShiftRightLogical(code.AsUInt16(), 4).AsByte() & nibble;
                sum0 += LookUp(table, low, high);
                sum1 += LookUp(table + second, low, high);
                sum2 += LookUp(table + third, low, high);
                sum3 += LookUp(table + fourth, low, high);
                p += BlockLayout.SlotsPerBlock;
                table += BlockScanUnit.TableBytesPerRow;
            }

            words0 += sum0.AsUInt16();
            words1 += sum1.AsUInt16();
            words2 += sum2.AsUInt16();
            words3 += sum3.AsUInt16();
            odd0 += Vector512.ShiftRightLogical(sum0.AsUInt16(), 8);
            odd1 += Vector512.ShiftRightLogical(sum1.AsUInt16(), 8);
            odd2 += Vector512.ShiftRightLogical(sum2.AsUInt16(), 8);
            odd3 += Vector512.ShiftRightLogical(sum3.AsUInt16(), 8);
        }

        Empty(words0, odd0, work.Sums, work.Add);
        Empty(words1, odd1, work.Sums + sumsPerQuery, work.Add);
        Empty(words2, odd2, work.Sums + (2 * (nint)sumsPerQuery), work.Add);
        if (last == BlockScan.QueriesPerTile - 1)
        {
            Empty(words3, odd3, work.Sums + (3 * (nint)sumsPerQuery), work.Add);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector512<byte> LookUp(byte* table, Vector512<byte> low, Vector512<byte> high) =>
        Avx512BW.Shuffle(Avx512F.BroadcastVector128ToVector512((uint*)table).AsByte(), low)
            + Avx512BW.Shuffle(Avx512F.BroadcastVector128ToVector512((uint*)(table + 16)).AsByte(), high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Empty(Vector512<ushort> words, Vector512<ushort> odd, int* sums, bool add)
    {
        BlockScan256.Empty(words.GetLower(), odd.GetLower(), sums, add);
        BlockScan256.Empty(words.GetUpper(), odd.GetUpper(), sums + 32, add);
    }
}
