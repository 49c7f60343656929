using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Moorcheh.Kernels;

namespace Moorcheh.Index;

/// <summary>The second stage of <see cref="CandidateSearch"/>: eight bits a value for the slots that the first one leaves.</summary>
internal static class ByteStage
{
    // Rows of eight-bit codes fetched ahead: they lie anywhere in memory.
    private const int RowsAhead = 6;

    /// <summary>Raises the threshold by the eight-bit bounds of the slots with the best estimates.</summary>
    public static void RaiseThreshold(QueryState state, IReadOnlyList<SegmentView> segments)
    {
        int bytesOf = -1;
        ByteBounds bytes = default;
        ReadOnlySpan<int> places = state.Promising.Places();
        for (int i = 0; i < places.Length + RowsAhead; i++)
        {
            if (i < places.Length)
            {
                Prefetch(segments[places[i] / Segment.Capacity], places[i] % Segment.Capacity, state.Short.Length);
            }

            if (i < RowsAhead)
            {
                continue;
            }

            int place = places[i - RowsAhead];
            int s = place / Segment.Capacity;
            if (s != bytesOf)
            {
                bytes = new ByteBounds(state.ByteTerms, state.Unit, segments[s].Centre.Span);
                bytesOf = s;
            }

            Bound(state, segments[s], place % Segment.Capacity, bytes, out _, out float lower);
            state.Offer(lower);
        }

        // These slots are met again, and a slot must not count twice among the k largest.
        state.ForgetOffers();
    }

    /// <summary>Bounds every slot that can reach the threshold with eight bits a value.</summary>
    public static void Rescore(
        QueryTile tile, QueryState state, IReadOnlyList<SegmentView> segments, ulong[]?[]? masks, int first, int end)
    {
        int done = 0;
        for (int s = first; s < end; s++)
        {
            ReadOnlySpan<ulong> wanted = CandidateSearch.Wanted(segments, masks, s);
            var bytes = new ByteBounds(state.ByteTerms, state.Unit, segments[s].Centre.Span);
            ReadOnlySpan<float> uppers = state.Uppers.AsSpan(done * BlockLayout.SlotsPerBlock, wanted.Length * BlockLayout.SlotsPerBlock);
            int found = 0;
            for (int block = 0; block < wanted.Length; block++)
            {
                if (wanted[block] == 0)
                {
                    continue;
                }

                ReadOnlySpan<float> blockUppers = uppers.Slice(block * BlockLayout.SlotsPerBlock, BlockLayout.SlotsPerBlock);
                ulong reaching = wanted[block] & UpperPass.Reaching(blockUppers, state.Threshold);
                for (; reaching != 0; reaching &= reaching - 1)
                {
                    int lane = BitOperations.TrailingZeroCount(reaching);
                    tile.Found[found++] = new Survivor((block * BlockLayout.SlotsPerBlock) + lane, blockUppers[lane]);
                }

                if (found > tile.Found.Length - BlockLayout.SlotsPerBlock)
                {
                    Rescore(state, segments[s], s * Segment.Capacity, tile.Found.AsSpan(0, found), bytes);
                    found = 0;
                }
            }

            Rescore(state, segments[s], s * Segment.Capacity, tile.Found.AsSpan(0, found), bytes);
            done += wanted.Length;
        }
    }

    private static void Rescore(QueryState state, SegmentView segment, int place, ReadOnlySpan<Survivor> found, in ByteBounds bytes)
    {
        for (int i = 0; i < found.Length + RowsAhead; i++)
        {
            if (i < found.Length)
            {
                Prefetch(segment, found[i].Place, state.Short.Length);
            }

            if (i >= RowsAhead && found[i - RowsAhead] is var (slot, atMost) && !(atMost < state.Threshold))
            {
                Bound(state, segment, slot, bytes, out float upper, out float lower);
                state.Add(place + slot, upper, lower);
            }
        }
    }

    private static void Bound(QueryState state, SegmentView segment, int slot, in ByteBounds bytes, out float upper, out float lower)
    {
        int lane = slot % BlockLayout.SlotsPerBlock;
        int padded = state.Short.Length;
        int sum = ByteScan.Dot(segment.Rows.Rows(slot / BlockLayout.SlotsPerBlock).Slice(lane * padded, padded), state.Short);
        ReadOnlySpan<float> factors = segment.Rows.Factors(slot / BlockLayout.SlotsPerBlock);
        bytes.Bound(sum, factors[lane], factors[BlockLayout.SlotsPerBlock + lane], out upper, out lower);
        state.Rescored8++;
    }

    private static unsafe void Prefetch(SegmentView segment, int slot, int padded)
    {
        if (Sse.IsSupported)
        {
            const int Line = 64;
            ref sbyte row = ref MemoryMarshal.GetReference(
                segment.Rows.Rows(slot / BlockLayout.SlotsPerBlock)[(slot % BlockLayout.SlotsPerBlock * padded)..]);
            for (int i = 0; i < padded; i += Line)
            {
                Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref row, i)));
            }

            ref float factors = ref MemoryMarshal.GetReference(segment.Rows.Factors(slot / BlockLayout.SlotsPerBlock));
            Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref factors, slot % BlockLayout.SlotsPerBlock)));
            Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref factors, BlockLayout.SlotsPerBlock + (slot % BlockLayout.SlotsPerBlock))));
        }
    }
}
