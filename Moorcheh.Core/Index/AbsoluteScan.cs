using System.Numerics;
using Moorcheh.Kernels;

namespace Moorcheh.Index;

/// <summary>The only stage of a <see cref="CandidateSearch"/> that may miss nothing: eight bits a value for every slot.</summary>
internal static class AbsoluteScan
{
    /// <summary>Bounds every wanted slot with eight bits a value. The rows of a block are read from memory once for all queries.</summary>
    public static void Run(QueryTile tile, SegmentView segment, int segmentNumber, ReadOnlySpan<ulong> wanted)
    {
        foreach (QueryState state in tile.States)
        {
            state.ByteBounds = new ByteBounds(state.ByteTerms, state.Unit, segment.Centre.Span);
        }

        Span<int> sums = tile.Sums.AsSpan(0, BlockLayout.SlotsPerBlock);
        for (int block = 0; block < wanted.Length; block++)
        {
            if (wanted[block] == 0)
            {
                continue;
            }

            ReadOnlySpan<sbyte> rows = segment.Rows.Rows(block);
            ReadOnlySpan<float> factors = segment.Rows.Factors(block);
            int place = (segmentNumber * Segment.Capacity) + (block * BlockLayout.SlotsPerBlock);
            foreach (QueryState state in tile.States)
            {
                ScanRows(rows, wanted[block], state.Short, sums);
                state.Rescored8 += BitOperations.PopCount(wanted[block]);
                var found = new CandidateList(state.Found, default);
                found.RaiseThreshold(state.Threshold);
                BoundPass.Collect(sums, factors, wanted.Slice(block, 1), place, state.ByteBounds, ref found);
                foreach (Candidate candidate in found.Items)
                {
                    state.Add(candidate.Slot, candidate.Upper, candidate.Lower);
                }
            }
        }
    }

    /// <summary>The inner products of a block's wanted slots. The first block of a young segment has fewer rows than slots.</summary>
    private static void ScanRows(ReadOnlySpan<sbyte> rows, ulong wanted, short[] query, Span<int> sums)
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
