using System.Buffers;
using System.Numerics;
using Moorcheh.Kernels;

namespace Moorcheh.Indexing;

/// <summary>
/// The coded stages of a search: one bit a dimension for every slot, eight bits for those whose upper bound reaches the k-th largest
/// proved lower bound so far. What is left cannot be told apart without the vectors themselves.
/// </summary>
/// <remarks>
/// Lower bounds come from the eight-bit stage only, whose bound always holds. So the threshold never rises above the k-th best cosine,
/// and a true neighbour is missed only if its own one-bit upper bound fails: with probability at most exp(-epsilon^2 / 2) each
/// (<see cref="BinaryBounds"/>), whatever the number of vectors.
/// </remarks>
internal static class CandidateSearch
{
    /// <summary>Blocks scanned at a time: their sums stay in the first cache level.</summary>
    public const int TileBlocks = 64;

    // The first tiles are small: until k lower bounds are known every slot is a candidate.
    private const int FirstTileBlocks = 4;
    private const int TileGrowth = 4;

    private const float FastEpsilon = 3;
    private const double CertifiedFailure = 1e-6;

    private static readonly ArrayPool<int> Sums = ArrayPool<int>.Shared;

    /// <summary>Runs both stages over some segments.</summary>
    /// <param name="state">The query, begun; receives the survivors.</param>
    /// <param name="segments">All segments of the search.</param>
    /// <param name="masks">Wanted slots of each segment; null for all live ones.</param>
    /// <param name="first">The first segment to look at.</param>
    /// <param name="end">The segment after the last.</param>
    /// <param name="k">Neighbours wanted.</param>
    /// <param name="guarantee">Chooses the stages.</param>
    public static void Find(
        QueryState state, IReadOnlyList<SegmentView> segments, ulong[]?[]? masks, int first, int end, int k, SearchGuarantee guarantee)
    {
        int[] sums = Sums.Rent(TileBlocks * BlockLayout.SlotsPerBlock);
        try
        {
            int tile = FirstTileBlocks;
            for (int s = first; s < end; s++)
            {
                SegmentView segment = segments[s];
                ReadOnlySpan<ulong> wanted = masks?[s] is { } mask ? mask.AsSpan(0, segment.Blocks) : segment.Live;
                var bytes = new ByteBounds(state.ByteTerms, state.Unit, segment.Centre);
                if (guarantee == SearchGuarantee.Absolute)
                {
                    ScanBytes(state, segment, s, wanted, bytes, sums);
                }
                else
                {
                    float epsilon = guarantee == SearchGuarantee.Fast ? FastEpsilon : BinaryBounds.EpsilonFor(k, CertifiedFailure);
                    ScanBits(state, segment, s, wanted, bytes, epsilon, sums, ref tile);
                }
            }
        }
        finally
        {
            Sums.Return(sums);
        }
    }

    private static void ScanBits(
        QueryState state,
        SegmentView segment,
        int segmentNumber,
        ReadOnlySpan<ulong> wanted,
        in ByteBounds bytes,
        float epsilon,
        int[] sums,
        ref int tile)
    {
        RotationSigns rotation = segment.Rotation;
        QueryTerms terms = QueryTables.Build(state.Unit, segment.Centre, rotation.Signs, rotation.Seed, state.Scratch, state.Tables);
        var bits = new BinaryBounds(terms, epsilon);
        int place = segmentNumber * Segment.Capacity;
        for (int block = 0; block < wanted.Length;)
        {
            int count = Math.Min(tile, wanted.Length - block);
            BlockScan.Scan(segment.Codes, wanted, rotation.PaddedDimension, block, count, state.Tables, 1, sums);
            var found = new CandidateList(state.Found, default);
            found.RaiseThreshold(state.Threshold);
            BoundPass.Collect(
                sums,
                segment.Factors.Slice(block * BlockLayout.FactorsPerBlock, count * BlockLayout.FactorsPerBlock),
                wanted.Slice(block, count),
                block * BlockLayout.SlotsPerBlock,
                bits,
                ref found);
            Rescore(state, segment, place, found.Items, bytes);
            block += count;
            tile = Math.Min(TileBlocks, tile * TileGrowth);
        }
    }

    /// <summary>Bounds candidates with eight bits a value.</summary>
    private static void Rescore(QueryState state, SegmentView segment, int place, Span<Candidate> found, in ByteBounds bytes)
    {
        if (float.IsNegativeInfinity(state.Threshold))
        {
            // The best first, so that the threshold rises before most of them are looked at.
            found.Sort(static (x, y) => y.Upper.CompareTo(x.Upper));
        }

        foreach (Candidate candidate in found)
        {
            if (candidate.Upper < state.Threshold)
            {
                continue;
            }

            int block = candidate.Slot / BlockLayout.SlotsPerBlock;
            int lane = candidate.Slot % BlockLayout.SlotsPerBlock;
            int padded = state.Short.Length;
            int sum = ByteScan.Dot(segment.Rows.Rows(block).Slice(lane * padded, padded), state.Short);
            ReadOnlySpan<float> factors = segment.Rows.Factors(block);
            bytes.Bound(sum, factors[lane], factors[BlockLayout.SlotsPerBlock + lane], out float upper, out float lower);
            state.Add(place + candidate.Slot, upper, lower);
            state.Rescored8++;
        }
    }

    private static void ScanBytes(
        QueryState state, SegmentView segment, int segmentNumber, ReadOnlySpan<ulong> wanted, in ByteBounds bytes, int[] sums)
    {
        int place = segmentNumber * Segment.Capacity;
        for (int block = 0; block < wanted.Length; block++)
        {
            if (wanted[block] == 0)
            {
                continue;
            }

            ReadOnlySpan<sbyte> rows = segment.Rows.Rows(block);
            ReadOnlySpan<ulong> mask = wanted.Slice(block, 1);
            ScanRows(rows, wanted[block], state.Short, sums);
            state.Rescored8 += BitOperations.PopCount(wanted[block]);
            var found = new CandidateList(state.Found, default);
            found.RaiseThreshold(state.Threshold);
            BoundPass.Collect(sums, segment.Rows.Factors(block), mask, block * BlockLayout.SlotsPerBlock, bytes, ref found);
            foreach (Candidate candidate in found.Items)
            {
                state.Add(place + candidate.Slot, candidate.Upper, candidate.Lower);
            }
        }
    }

    /// <summary>The inner products of a block's wanted slots. The first block of a young segment has fewer rows than slots.</summary>
    private static void ScanRows(ReadOnlySpan<sbyte> rows, ulong wanted, short[] query, int[] sums)
    {
        if (rows.Length == BlockLayout.SlotsPerBlock * query.Length)
        {
            ByteScan.Scan(rows, [wanted], query, sums);
            return;
        }

        for (; wanted != 0; wanted &= wanted - 1)
        {
            int lane = BitOperations.TrailingZeroCount(wanted);
            sums[lane] = ByteScan.Dot(rows.Slice(lane * query.Length, query.Length), query);
        }
    }
}
