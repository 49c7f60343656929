using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
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
    // Blocks scanned at a time: their codes and sums stay in the first cache levels between the scan and the first pass.
    private const int TileBlocks = 64;

    // The first threshold comes from this many times k slots, those with the best estimates.
    private const int Promising = 4;

    // Rows of eight-bit codes fetched ahead: they lie anywhere in memory.
    private const int RowsAhead = 6;

    private const float FastEpsilon = 3;
    private const double CertifiedFailure = 1e-6;

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
        if (guarantee == SearchGuarantee.Absolute)
        {
            for (int s = first; s < end; s++)
            {
                ScanBytes(state, segments[s], s, Wanted(segments, masks, s));
            }

            return;
        }

        // Every sum is kept, because the threshold that decides is known only after the last block.
        int blocks = 0;
        for (int s = first; s < end; s++)
        {
            blocks += segments[s].Blocks;
        }

        int[] sums = ArrayPool<int>.Shared.Rent(Math.Max(1, blocks) * BlockLayout.SlotsPerBlock);
        QueryTerms[] terms = ArrayPool<QueryTerms>.Shared.Rent(Math.Max(1, end - first));
        float[] best = ArrayPool<float>.Shared.Rent(Promising * k);
        try
        {
            ScanBits(state, segments, masks, first, end, sums, terms, best.AsSpan(0, Promising * k));
            float epsilon = guarantee == SearchGuarantee.Fast ? FastEpsilon : BinaryBounds.EpsilonFor(k, CertifiedFailure);
            Rescore(state, segments, masks, first, end, sums, terms, epsilon);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(sums);
            ArrayPool<QueryTerms>.Shared.Return(terms);
            ArrayPool<float>.Shared.Return(best);
        }
    }

    private static ReadOnlySpan<ulong> Wanted(IReadOnlyList<SegmentView> segments, ulong[]?[]? masks, int s) =>
        masks?[s] is { } mask ? mask.AsSpan(0, segments[s].Blocks) : segments[s].Live;

    /// <summary>Sums every wanted block, and raises the threshold by the eight-bit bounds of the slots with the best estimates.</summary>
    private static void ScanBits(
        QueryState state,
        IReadOnlyList<SegmentView> segments,
        ulong[]?[]? masks,
        int first,
        int end,
        int[] sums,
        QueryTerms[] terms,
        Span<float> best)
    {
        var promising = new CandidateList(state.Found, best);
        int done = 0;
        for (int s = first; s < end; s++)
        {
            SegmentView segment = segments[s];
            RotationSigns rotation = segment.Rotation;
            ReadOnlySpan<ulong> wanted = Wanted(segments, masks, s);
            terms[s - first] = QueryTables.Build(state.Unit, segment.Centre, rotation.Signs, rotation.Seed, state.Scratch, state.Tables);
            var estimates = new BinaryBounds(terms[s - first], 0);
            for (int block = 0; block < wanted.Length; block += TileBlocks)
            {
                int count = Math.Min(TileBlocks, wanted.Length - block);
                Span<int> tile = sums.AsSpan((done + block) * BlockLayout.SlotsPerBlock, count * BlockLayout.SlotsPerBlock);
                BlockScan.Scan(segment.Codes, wanted, rotation.PaddedDimension, block, count, state.Tables, 1, tile);

                // The list has room for a tile after pruning, and what does not fit is not worth keeping: this only seeds the threshold.
                BoundPass.Collect(
                    tile, FactorsOf(segment, block, count), wanted.Slice(block, count), (s * Segment.Capacity) + (block * BlockLayout.SlotsPerBlock), estimates, ref promising);
            }

            done += wanted.Length;
        }

        promising.Prune();
        int bytesOf = -1;
        ByteBounds bytes = default;
        foreach (Candidate candidate in promising.Items)
        {
            int s = candidate.Slot / Segment.Capacity;
            if (s != bytesOf)
            {
                bytes = new ByteBounds(state.ByteTerms, state.Unit, segments[s].Centre);
                bytesOf = s;
            }

            Bound(state, segments[s], candidate.Slot % Segment.Capacity, bytes, out _, out float lower);
            state.Offer(lower);
        }

        // These slots are met again, and a slot must not count twice among the k largest.
        state.ForgetOffers();
    }

    /// <summary>Bounds every slot that can reach the threshold with eight bits a value.</summary>
    private static void Rescore(
        QueryState state,
        IReadOnlyList<SegmentView> segments,
        ulong[]?[]? masks,
        int first,
        int end,
        int[] sums,
        QueryTerms[] terms,
        float epsilon)
    {
        int done = 0;
        for (int s = first; s < end; s++)
        {
            SegmentView segment = segments[s];
            ReadOnlySpan<ulong> wanted = Wanted(segments, masks, s);
            var bits = new BinaryBounds(terms[s - first], epsilon);
            var bytes = new ByteBounds(state.ByteTerms, state.Unit, segment.Centre);
            for (int block = 0; block < wanted.Length; block += TileBlocks)
            {
                int count = Math.Min(TileBlocks, wanted.Length - block);
                var found = new CandidateList(state.Found, default);
                found.RaiseThreshold(state.Threshold);
                BoundPass.Collect(
                    sums.AsSpan((done + block) * BlockLayout.SlotsPerBlock, count * BlockLayout.SlotsPerBlock),
                    FactorsOf(segment, block, count),
                    wanted.Slice(block, count),
                    block * BlockLayout.SlotsPerBlock,
                    bits,
                    ref found);
                Rescore(state, segment, s * Segment.Capacity, found.Items, bytes);
            }

            done += wanted.Length;
        }
    }

    private static void Rescore(QueryState state, SegmentView segment, int place, ReadOnlySpan<Candidate> found, in ByteBounds bytes)
    {
        for (int i = 0; i < found.Length; i++)
        {
            if (i + RowsAhead < found.Length)
            {
                Prefetch(segment, found[i + RowsAhead].Slot, state.Short.Length);
            }

            if (found[i].Upper >= state.Threshold)
            {
                Bound(state, segment, found[i].Slot, bytes, out float upper, out float lower);
                state.Add(place + found[i].Slot, upper, lower);
            }
        }
    }

    private static ReadOnlySpan<float> FactorsOf(SegmentView segment, int block, int count) =>
        segment.Factors.Slice(block * BlockLayout.FactorsPerBlock, count * BlockLayout.FactorsPerBlock);

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
        }
    }

    /// <summary>Bounds every wanted slot with eight bits a value.</summary>
    private static void ScanBytes(QueryState state, SegmentView segment, int segmentNumber, ReadOnlySpan<ulong> wanted)
    {
        int place = segmentNumber * Segment.Capacity;
        var bytes = new ByteBounds(state.ByteTerms, state.Unit, segment.Centre);
        for (int block = 0; block < wanted.Length; block++)
        {
            if (wanted[block] == 0)
            {
                continue;
            }

            ReadOnlySpan<sbyte> rows = segment.Rows.Rows(block);
            ReadOnlySpan<ulong> mask = wanted.Slice(block, 1);
            ScanRows(rows, wanted[block], state.Short, state.BlockSums);
            state.Rescored8 += BitOperations.PopCount(wanted[block]);
            var found = new CandidateList(state.Found, default);
            found.RaiseThreshold(state.Threshold);
            BoundPass.Collect(state.BlockSums, segment.Rows.Factors(block), mask, block * BlockLayout.SlotsPerBlock, bytes, ref found);
            foreach (Candidate candidate in found.Items)
            {
                state.Add(place + candidate.Slot, candidate.Upper, candidate.Lower);
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
