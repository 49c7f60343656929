using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Moorcheh.Kernels;

/// <summary><see cref="BlockScan"/> with 128 bits, for Arm and for x64 without AVX2.</summary>
internal static class BlockScan128
{
    /// <summary>32 lanes at a time.</summary>
    public static unsafe void One(in BlockScanUnit work)
    {
        Vector128<byte> nibble = Vector128.Create((byte)15);
        for (int lane = 0; lane < BlockLayout.SlotsPerBlock; lane += 32)
        {
            byte* p = work.Rows + lane;
            byte* table = work.Tables;
            byte* end = p + (work.Count * BlockLayout.SlotsPerBlock);
            Vector128<ushort> words0 = Vector128<ushort>.Zero;
            Vector128<ushort> words1 = Vector128<ushort>.Zero;
            Vector128<ushort> odd0 = Vector128<ushort>.Zero;
            Vector128<ushort> odd1 = Vector128<ushort>.Zero;
            while (p < end)
            {
                Vector128<byte> sum0 = Vector128<byte>.Zero;
                Vector128<byte> sum1 = Vector128<byte>.Zero;
                for (int row = 0; row < BlockScanUnit.RowsPerStep; row++)
                {
                    Vector128<byte> low = Vector128.Load(table);
                    Vector128<byte> high = Vector128.Load(table + 16);
                    sum0 += LookUp(low, high, Vector128.Load(p), nibble);
                    sum1 += LookUp(low, high, Vector128.Load(p + 16), nibble);
                    p += BlockLayout.SlotsPerBlock;
                    table += BlockScanUnit.TableBytesPerRow;
                }

                words0 += sum0.AsUInt16();
                words1 += sum1.AsUInt16();
                odd0 += Vector128.ShiftRightLogical(sum0.AsUInt16(), 8);
                odd1 += Vector128.ShiftRightLogical(sum1.AsUInt16(), 8);
            }

            Empty(words0, odd0, work.Sums + lane, work.Add);
            Empty(words1, odd1, work.Sums + lane + 16, work.Add);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> LookUp(Vector128<byte> low, Vector128<byte> high, Vector128<byte> code, Vector128<byte> nibble) =>
        Vector128.ShuffleNative(low, code & nibble)
            + Vector128.ShuffleNative(high, Vector128.ShiftRightLogical(code.AsUInt16(), 4).AsByte() & nibble);

    /// <summary>Separates even and odd lanes, puts them back in order and widens them.</summary>
    /// <remarks>Inlined, because a call behind a loop makes the compiler keep sums on the stack inside it (30 % slower).</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Empty(Vector128<ushort> words, Vector128<ushort> odd, int* sums, bool add)
    {
        Vector128<ushort> even = words - Vector128.ShiftLeft(odd, 8);
        (Vector128<uint> even0, Vector128<uint> even1) = Vector128.Widen(even);
        (Vector128<uint> odd0, Vector128<uint> odd1) = Vector128.Widen(odd);
        (Vector128<uint> s0, Vector128<uint> s1) = Vector128.Widen((even0 | Vector128.ShiftLeft(odd0, 16)).AsUInt16());
        (Vector128<uint> s2, Vector128<uint> s3) = Vector128.Widen((even1 | Vector128.ShiftLeft(odd1, 16)).AsUInt16());
        Put(s0.AsInt32(), sums, add);
        Put(s1.AsInt32(), sums + 4, add);
        Put(s2.AsInt32(), sums + 8, add);
        Put(s3.AsInt32(), sums + 12, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Put(Vector128<int> values, int* sums, bool add) =>
        (add ? values + Vector128.Load(sums) : values).Store(sums);
}
