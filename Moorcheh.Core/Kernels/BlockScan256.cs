using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Moorcheh.Kernels;

/// <summary><see cref="BlockScan"/> with AVX2.</summary>
internal static class BlockScan256
{
    /// <summary>Two halves of 32 lanes.</summary>
    public static unsafe void One(in BlockScanUnit work)
    {
        Vector256<ushort> words0 = Vector256<ushort>.Zero;
        Vector256<ushort> words1 = Vector256<ushort>.Zero;
        Vector256<ushort> odd0 = Vector256<ushort>.Zero;
        Vector256<ushort> odd1 = Vector256<ushort>.Zero;
        byte* p = work.Rows;
        byte* table = work.Tables;
        byte* end = p + (work.Count * BlockLayout.SlotsPerBlock);
        nint ahead = work.Ahead;
        while (p < end)
        {
            LookUpRow(p, table, ahead, out Vector256<byte> sum0, out Vector256<byte> sum1);
            LookUpRow(p + 64, table + 32, ahead, out Vector256<byte> next0, out Vector256<byte> next1);
            sum0 += next0;
            sum1 += next1;
            LookUpRow(p + 128, table + 64, ahead, out next0, out next1);
            sum0 += next0;
            sum1 += next1;
            LookUpRow(p + 192, table + 96, ahead, out next0, out next1);
            sum0 += next0;
            sum1 += next1;
            words0 += sum0.AsUInt16();
            words1 += sum1.AsUInt16();
            odd0 += Vector256.ShiftRightLogical(sum0.AsUInt16(), 8);
            odd1 += Vector256.ShiftRightLogical(sum1.AsUInt16(), 8);
            p += BlockScanUnit.RowsPerStep * BlockLayout.SlotsPerBlock;
            table += BlockScanUnit.RowsPerStep * BlockScanUnit.TableBytesPerRow;
        }

        Empty(words0, odd0, work.Sums, work.Add);
        Empty(words1, odd1, work.Sums + 32, work.Add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void LookUpRow(byte* p, byte* table, nint ahead, out Vector256<byte> sum0, out Vector256<byte> sum1)
    {
        Sse.Prefetch0(p + ahead);
        Vector256<byte> nibble = Vector256.Create((byte)15);
        Vector256<byte> low = Avx2.BroadcastVector128ToVector256(table);
        Vector256<byte> high = Avx2.BroadcastVector128ToVector256(table + 16);
        Vector256<byte> code0 = Vector256.Load(p);
        Vector256<byte> code1 = Vector256.Load(p + 32);
        sum0 = Avx2.Shuffle(low, code0 & nibble)
            + Avx2.Shuffle(high, Vector256.ShiftRightLogical(code0.AsUInt16(), 4).AsByte() & nibble);
        sum1 = Avx2.Shuffle(low, code1 & nibble)
            + Avx2.Shuffle(high, Vector256.ShiftRightLogical(code1.AsUInt16(), 4).AsByte() & nibble);
    }

    /// <summary>Four queries over the same rows, one half of 32 lanes after the other.</summary>
    public static unsafe void Tile(in BlockScanUnit work, int tableBytes, int sumsPerQuery, int last)
    {
        Vector256<byte> nibble = Vector256.Create((byte)15);
        nint second = (nint)Math.Min(1, last) * tableBytes;
        nint third = (nint)Math.Min(2, last) * tableBytes;
        nint fourth = (nint)last * tableBytes;
        nint ahead = work.Ahead;
        for (int lane = 0; lane < BlockLayout.SlotsPerBlock; lane += 32)
        {
            Vector256<ushort> words0 = Vector256<ushort>.Zero;
            Vector256<ushort> words1 = Vector256<ushort>.Zero;
            Vector256<ushort> words2 = Vector256<ushort>.Zero;
            Vector256<ushort> words3 = Vector256<ushort>.Zero;
            Vector256<ushort> odd0 = Vector256<ushort>.Zero;
            Vector256<ushort> odd1 = Vector256<ushort>.Zero;
            Vector256<ushort> odd2 = Vector256<ushort>.Zero;
            Vector256<ushort> odd3 = Vector256<ushort>.Zero;
            byte* p = work.Rows + lane;
            byte* table = work.Tables;
            byte* end = p + (work.Count * BlockLayout.SlotsPerBlock);
            while (p < end)
            {
                Vector256<byte> sum0 = Vector256<byte>.Zero;
                Vector256<byte> sum1 = Vector256<byte>.Zero;
                Vector256<byte> sum2 = Vector256<byte>.Zero;
                Vector256<byte> sum3 = Vector256<byte>.Zero;
                for (int row = 0; row < BlockScanUnit.RowsPerStep; row++)
                {
                    // Both halves ask for the line; the second request finds it on its way and costs nothing measurable.
                    Sse.Prefetch0(p + ahead);
                    Vector256<byte> code = Vector256.Load(p);
                    Vector256<byte> low = code & nibble;
                    Vector256<byte> high = Vector256.ShiftRightLogical(code.AsUInt16(), 4).AsByte() & nibble;
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
                odd0 += Vector256.ShiftRightLogical(sum0.AsUInt16(), 8);
                odd1 += Vector256.ShiftRightLogical(sum1.AsUInt16(), 8);
                odd2 += Vector256.ShiftRightLogical(sum2.AsUInt16(), 8);
                odd3 += Vector256.ShiftRightLogical(sum3.AsUInt16(), 8);
            }

            // A query that stands in for a missing fourth must not be added twice.
            int* sums = work.Sums + lane;
            Empty(words0, odd0, sums, work.Add);
            Empty(words1, odd1, sums + sumsPerQuery, work.Add);
            Empty(words2, odd2, sums + (2 * (nint)sumsPerQuery), work.Add);
            if (last == BlockScan.QueriesPerTile - 1)
            {
                Empty(words3, odd3, sums + (3 * (nint)sumsPerQuery), work.Add);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector256<byte> LookUp(byte* table, Vector256<byte> low, Vector256<byte> high) =>
        Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(table), low)
            + Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(table + 16), high);

    /// <summary>Separates even and odd lanes, puts them back in order and widens them.</summary>
    /// <remarks>Inlined, because a call behind a loop makes the compiler keep sums on the stack inside it (30 % slower).</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Empty(Vector256<ushort> words, Vector256<ushort> odd, int* sums, bool add)
    {
        Vector256<ushort> even = words - Vector256.ShiftLeft(odd, 8);
        (Vector256<uint> even0, Vector256<uint> even1) = Vector256.Widen(even);
        (Vector256<uint> odd0, Vector256<uint> odd1) = Vector256.Widen(odd);
        (Vector256<uint> s0, Vector256<uint> s1) = Vector256.Widen((even0 | Vector256.ShiftLeft(odd0, 16)).AsUInt16());
        (Vector256<uint> s2, Vector256<uint> s3) = Vector256.Widen((even1 | Vector256.ShiftLeft(odd1, 16)).AsUInt16());
        Put(s0.AsInt32(), sums, add);
        Put(s1.AsInt32(), sums + 8, add);
        Put(s2.AsInt32(), sums + 16, add);
        Put(s3.AsInt32(), sums + 24, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Put(Vector256<int> values, int* sums, bool add) =>
        (add ? values + Vector256.Load(sums) : values).Store(sums);
}
