using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Moorcheh.Kernels;

/// <summary>The pass over a scan's sums that keeps the slots whose upper bound reaches the threshold.</summary>
/// <remarks>
/// Measured on EPYC (Zen 3), 256 bits: 0.75 ns a slot, bound by arithmetic (prefetching the factors gained nothing), and 20 to 25 ns for
/// each slot that is kept. So a threshold that is good from the start is worth a pass of its own where epsilon is large: a first pass
/// with epsilon 0 and a heap of 4k finds the best estimates; the k-th best exact cosine among them is the threshold of the second.
/// At 100,000 x 512, k = 10, epsilon = 5.7 that leaves 2,500 slots instead of 20,500.
/// </remarks>
internal static class BoundPass
{
    /// <summary>Offers every slot of <paramref name="masks"/> to <paramref name="found"/>, whose threshold rises on the way.</summary>
    /// <typeparam name="TBounds">The tier that was scanned.</typeparam>
    /// <param name="sums">64 sums for each block.</param>
    /// <param name="factors">A factor block for each block.</param>
    /// <param name="masks">Live and wanted slots of each block. The sums and factors of other slots are never used.</param>
    /// <param name="firstSlot">The number of the first block's first slot, as candidates shall carry it.</param>
    /// <param name="bounds">The query.</param>
    /// <param name="found">Receives the candidates.</param>
    /// <returns>The number of blocks done: fewer than asked for when, even after pruning, no whole block fits into
    /// <paramref name="found"/>. The caller then makes room and goes on from there.</returns>
    public static int Collect<TBounds>(
        ReadOnlySpan<int> sums,
        ReadOnlySpan<float> factors,
        ReadOnlySpan<ulong> masks,
        int firstSlot,
        in TBounds bounds,
        ref CandidateList found)
        where TBounds : struct, IBlockBounds
    {
        BlockLayout.Require(sums.Length, (long)masks.Length * BlockLayout.SlotsPerBlock, nameof(sums));
        BlockLayout.Require(factors.Length, (long)masks.Length * BlockLayout.FactorsPerBlock, nameof(factors));
        TBounds local = bounds;
        for (int block = 0; block < masks.Length; block++)
        {
            ulong wanted = masks[block];
            if (wanted == 0)
            {
                continue;
            }

            ReadOnlySpan<int> blockSums = sums.Slice(block * BlockLayout.SlotsPerBlock, BlockLayout.SlotsPerBlock);
            ReadOnlySpan<float> blockFactors = factors.Slice(block * BlockLayout.FactorsPerBlock, BlockLayout.FactorsPerBlock);
            wanted &= Reaching(blockSums, blockFactors, local, found.Threshold);
            if (wanted == 0)
            {
                continue;
            }

            if (!found.HasRoomForBlock)
            {
                found.Prune();
                if (!found.HasRoomForBlock)
                {
                    return block;
                }
            }

            int slot = firstSlot + (block * BlockLayout.SlotsPerBlock);
            for (; wanted != 0; wanted &= wanted - 1)
            {
                int lane = BitOperations.TrailingZeroCount(wanted);
                local.Bound(
                    blockSums[lane], blockFactors[lane], blockFactors[BlockLayout.SlotsPerBlock + lane], out float upper, out float lower);
                found.Add(new Candidate(slot + lane, upper, lower));
            }
        }

        return masks.Length;
    }

    /// <summary>The lanes of one block whose upper bound is not below the threshold. One that is not a number stays in.</summary>
    private static ulong Reaching<TBounds>(ReadOnlySpan<int> sums, ReadOnlySpan<float> factors, in TBounds bounds, float threshold)
        where TBounds : struct, IBlockBounds =>
        Vector256.IsHardwareAccelerated ? ReachingVector256(sums, factors, bounds, threshold)
        : Vector128.IsHardwareAccelerated ? ReachingVector128(sums, factors, bounds, threshold)
        : ReachingScalar(sums, factors, bounds, threshold);

    internal static ulong ReachingScalar<TBounds>(ReadOnlySpan<int> sums, ReadOnlySpan<float> factors, in TBounds bounds, float threshold)
        where TBounds : struct, IBlockBounds
    {
        ulong below = 0;
        for (int lane = 0; lane < BlockLayout.SlotsPerBlock; lane++)
        {
            below |= bounds.Below(sums[lane], factors[lane], factors[BlockLayout.SlotsPerBlock + lane], threshold) ? 1UL << lane : 0;
        }

        return ~below;
    }

    internal static ulong ReachingVector128<TBounds>(
        ReadOnlySpan<int> sums, ReadOnlySpan<float> factors, in TBounds bounds, float threshold)
        where TBounds : struct, IBlockBounds
    {
        ref int s = ref MemoryMarshal.GetReference(sums);
        ref float f = ref MemoryMarshal.GetReference(factors);
        ulong below = 0;
        for (nuint lane = 0; lane < BlockLayout.SlotsPerBlock; lane += 4)
        {
            Vector128<float> lanes = bounds.Below(
                Vector128.LoadUnsafe(ref s, lane),
                Vector128.LoadUnsafe(ref f, lane),
                Vector128.LoadUnsafe(ref f, BlockLayout.SlotsPerBlock + lane),
                threshold);
            below |= (ulong)lanes.ExtractMostSignificantBits() << (int)lane;
        }

        return ~below;
    }

    internal static ulong ReachingVector256<TBounds>(
        ReadOnlySpan<int> sums, ReadOnlySpan<float> factors, in TBounds bounds, float threshold)
        where TBounds : struct, IBlockBounds
    {
        ref int s = ref MemoryMarshal.GetReference(sums);
        ref float f = ref MemoryMarshal.GetReference(factors);
        ulong below = 0;
        for (nuint lane = 0; lane < BlockLayout.SlotsPerBlock; lane += 8)
        {
            Vector256<float> lanes = bounds.Below(
                Vector256.LoadUnsafe(ref s, lane),
                Vector256.LoadUnsafe(ref f, lane),
                Vector256.LoadUnsafe(ref f, BlockLayout.SlotsPerBlock + lane),
                threshold);
            below |= (ulong)lanes.ExtractMostSignificantBits() << (int)lane;
        }

        return ~below;
    }
}
