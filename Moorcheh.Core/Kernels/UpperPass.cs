using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Moorcheh.Kernels;

/// <summary>
/// The two passes behind a scan of one-bit codes: sums become upper bounds while they are in the first cache level, and once the
/// threshold is known only those are read again.
/// </summary>
/// <remarks>
/// The threshold that decides comes from the slots with the best estimates, so it is known after the last block only. Keeping four bytes
/// of upper bound for each slot makes the second pass a comparison: reading sums and factors again to bound every slot a second time
/// costs as much as the first pass, twelve bytes a slot and all the arithmetic.
/// </remarks>
internal static class UpperPass
{
    /// <summary>Writes the upper bound of every slot of the wanted blocks and offers the wanted slots by their estimates.</summary>
    /// <param name="sums">64 sums for each block.</param>
    /// <param name="factors">A factor block for each block.</param>
    /// <param name="masks">Live and wanted slots of each block.</param>
    /// <param name="firstPlace">The place of the first block's first slot.</param>
    /// <param name="bounds">The query.</param>
    /// <param name="uppers">64 for each block. Those of blocks without a wanted slot are left as they are; those of other slots that are
    /// not wanted have no meaning.</param>
    /// <param name="best">Receives the best estimates.</param>
    public static void Estimate(
        ReadOnlySpan<int> sums,
        ReadOnlySpan<float> factors,
        ReadOnlySpan<ulong> masks,
        int firstPlace,
        in BinaryBounds bounds,
        Span<float> uppers,
        BestEstimates best)
    {
        BlockLayout.Require(sums.Length, (long)masks.Length * BlockLayout.SlotsPerBlock, nameof(sums));
        BlockLayout.Require(factors.Length, (long)masks.Length * BlockLayout.FactorsPerBlock, nameof(factors));
        BlockLayout.Require(uppers.Length, (long)masks.Length * BlockLayout.SlotsPerBlock, nameof(uppers));
        BinaryBounds local = bounds;
        for (int block = 0; block < masks.Length; block++)
        {
            ulong wanted = masks[block];
            if (wanted == 0)
            {
                continue;
            }

            ReadOnlySpan<int> blockSums = sums.Slice(block * BlockLayout.SlotsPerBlock, BlockLayout.SlotsPerBlock);
            ReadOnlySpan<float> blockFactors = factors.Slice(block * BlockLayout.FactorsPerBlock, BlockLayout.FactorsPerBlock);
            Span<float> blockUppers = uppers.Slice(block * BlockLayout.SlotsPerBlock, BlockLayout.SlotsPerBlock);
            wanted &= EstimateBlock(blockSums, blockFactors, local, best.Threshold, blockUppers);
            for (; wanted != 0; wanted &= wanted - 1)
            {
                int lane = BitOperations.TrailingZeroCount(wanted);
                float estimate = local.Estimate(
                    blockSums[lane], blockFactors[lane], blockFactors[BlockLayout.SlotsPerBlock + lane], out _);
                best.Offer(firstPlace + (block * BlockLayout.SlotsPerBlock) + lane, estimate);
            }
        }
    }

    /// <summary>The lanes of one block whose upper bound is not below the threshold. One that is not a number stays in.</summary>
    /// <param name="uppers">64 bounds.</param>
    /// <param name="threshold">Proved lower bound of the k-th best.</param>
    public static ulong Reaching(ReadOnlySpan<float> uppers, float threshold)
    {
        BlockLayout.Require(uppers.Length, BlockLayout.SlotsPerBlock, nameof(uppers));
        return Vector256.IsHardwareAccelerated ? ReachingVector256(uppers, threshold)
            : Vector128.IsHardwareAccelerated ? ReachingVector128(uppers, threshold)
            : ReachingScalar(uppers, threshold);
    }

    internal static ulong ReachingScalar(ReadOnlySpan<float> uppers, float threshold)
    {
        ulong below = 0;
        for (int lane = 0; lane < BlockLayout.SlotsPerBlock; lane++)
        {
            below |= uppers[lane] < threshold ? 1UL << lane : 0;
        }

        return ~below;
    }

    internal static ulong ReachingVector128(ReadOnlySpan<float> uppers, float threshold)
    {
        ref float u = ref MemoryMarshal.GetReference(uppers);
        Vector128<float> t = Vector128.Create(threshold);
        ulong below = 0;
        for (nuint lane = 0; lane < BlockLayout.SlotsPerBlock; lane += 4)
        {
            below |= (ulong)Vector128.LessThan(Vector128.LoadUnsafe(ref u, lane), t).ExtractMostSignificantBits() << (int)lane;
        }

        return ~below;
    }

    internal static ulong ReachingVector256(ReadOnlySpan<float> uppers, float threshold)
    {
        ref float u = ref MemoryMarshal.GetReference(uppers);
        Vector256<float> t = Vector256.Create(threshold);
        ulong below = 0;
        for (nuint lane = 0; lane < BlockLayout.SlotsPerBlock; lane += 8)
        {
            below |= (ulong)Vector256.LessThan(Vector256.LoadUnsafe(ref u, lane), t).ExtractMostSignificantBits() << (int)lane;
        }

        return ~below;
    }

    /// <summary>Writes 64 upper bounds; the lanes whose estimate is above the threshold come back, those that are no number too.</summary>
    private static ulong EstimateBlock(
        ReadOnlySpan<int> sums, ReadOnlySpan<float> factors, in BinaryBounds bounds, float threshold, Span<float> uppers) =>
        Vector256.IsHardwareAccelerated ? EstimateVector256(sums, factors, bounds, threshold, uppers)
        : Vector128.IsHardwareAccelerated ? EstimateVector128(sums, factors, bounds, threshold, uppers)
        : EstimateScalar(sums, factors, bounds, threshold, uppers);

    internal static ulong EstimateScalar(
        ReadOnlySpan<int> sums, ReadOnlySpan<float> factors, in BinaryBounds bounds, float threshold, Span<float> uppers)
    {
        ulong outside = 0;
        for (int lane = 0; lane < BlockLayout.SlotsPerBlock; lane++)
        {
            float estimate = bounds.Estimate(sums[lane], factors[lane], factors[BlockLayout.SlotsPerBlock + lane], out uppers[lane]);
            outside |= estimate <= threshold ? 1UL << lane : 0;
        }

        return ~outside;
    }

    internal static ulong EstimateVector128(
        ReadOnlySpan<int> sums, ReadOnlySpan<float> factors, in BinaryBounds bounds, float threshold, Span<float> uppers)
    {
        ref int s = ref MemoryMarshal.GetReference(sums);
        ref float f = ref MemoryMarshal.GetReference(factors);
        ref float u = ref MemoryMarshal.GetReference(uppers);
        Vector128<float> t = Vector128.Create(threshold);
        ulong outside = 0;
        for (nuint lane = 0; lane < BlockLayout.SlotsPerBlock; lane += 4)
        {
            Vector128<float> estimate = bounds.Estimate(
                Vector128.LoadUnsafe(ref s, lane),
                Vector128.LoadUnsafe(ref f, lane),
                Vector128.LoadUnsafe(ref f, BlockLayout.SlotsPerBlock + lane),
                out Vector128<float> upper);
            upper.StoreUnsafe(ref u, lane);
            outside |= (ulong)Vector128.LessThanOrEqual(estimate, t).ExtractMostSignificantBits() << (int)lane;
        }

        return ~outside;
    }

    internal static ulong EstimateVector256(
        ReadOnlySpan<int> sums, ReadOnlySpan<float> factors, in BinaryBounds bounds, float threshold, Span<float> uppers)
    {
        ref int s = ref MemoryMarshal.GetReference(sums);
        ref float f = ref MemoryMarshal.GetReference(factors);
        ref float u = ref MemoryMarshal.GetReference(uppers);
        Vector256<float> t = Vector256.Create(threshold);
        ulong outside = 0;
        for (nuint lane = 0; lane < BlockLayout.SlotsPerBlock; lane += 8)
        {
            Vector256<float> estimate = bounds.Estimate(
                Vector256.LoadUnsafe(ref s, lane),
                Vector256.LoadUnsafe(ref f, lane),
                Vector256.LoadUnsafe(ref f, BlockLayout.SlotsPerBlock + lane),
                out Vector256<float> upper);
            upper.StoreUnsafe(ref u, lane);
            outside |= (ulong)Vector256.LessThanOrEqual(estimate, t).ExtractMostSignificantBits() << (int)lane;
        }

        return ~outside;
    }
}
