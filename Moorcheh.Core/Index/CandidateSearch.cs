using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Moorcheh.Kernels;

namespace Moorcheh.Index;

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
    /// <summary>The first threshold comes from this many times k slots, those with the best estimates.</summary>
    public const int Promising = 4;

    // Rows of eight-bit codes fetched ahead: they lie anywhere in memory.
    private const int RowsAhead = 6;

    private const float FastEpsilon = 3;
    private const double CertifiedFailure = 1e-6;

    /// <summary>The deviations of the one-bit stage that a guarantee asks for.</summary>
    public static float EpsilonOf(SearchGuarantee guarantee, int k) =>
        guarantee == SearchGuarantee.Fast ? FastEpsilon : BinaryBounds.EpsilonFor(k, CertifiedFailure);

    /// <summary>Runs both stages over some segments, for all queries of a tile in one pass over the codes.</summary>
    /// <param name="tile">The queries, begun; each receives its survivors, the same as alone.</param>
    /// <param name="segments">All segments of the search.</param>
    /// <param name="masks">Wanted slots of each segment; null for all live ones.</param>
    /// <param name="first">The first segment to look at.</param>
    /// <param name="end">The segment after the last.</param>
    /// <param name="absolute">True to leave out the one-bit stage.</param>
    public static void Find(
        QueryTile tile, IReadOnlyList<SegmentView> segments, ulong[]?[]? masks, int first, int end, bool absolute)
    {
        if (absolute)
        {
            for (int s = first; s < end; s++)
            {
                ScanBytes(tile, segments[s], s, Wanted(segments, masks, s));
            }

            return;
        }

        // Every upper bound is kept, because the threshold that decides is known only after the last block.
        int blocks = 0;
        for (int s = first; s < end; s++)
        {
            blocks += segments[s].Blocks;
        }

        foreach (QueryState state in tile.States)
        {
            state.Uppers = ArrayPool<float>.Shared.Rent(Math.Max(1, blocks) * BlockLayout.SlotsPerBlock);
        }

        try
        {
            ScanBits(tile, segments, masks, first, end);
            foreach (QueryState state in tile.States)
            {
                RaiseThreshold(state, segments);
                Rescore(tile, state, segments, masks, first, end);
            }
        }
        finally
        {
            foreach (QueryState state in tile.States)
            {
                ArrayPool<float>.Shared.Return(state.Uppers);
                state.Uppers = [];
            }
        }
    }

    private static ReadOnlySpan<ulong> Wanted(IReadOnlyList<SegmentView> segments, ulong[]?[]? masks, int s) =>
        masks?[s] is { } mask ? mask.AsSpan(0, segments[s].Blocks) : segments[s].Live;

    /// <summary>Bounds the slots of every wanted block by their one-bit codes, and notes those with the best estimates.</summary>
    private static void ScanBits(QueryTile tile, IReadOnlyList<SegmentView> segments, ulong[]?[]? masks, int first, int end)
    {
        int step = QueryTile.SlotsPerStep / BlockLayout.SlotsPerBlock / tile.Count;
        int done = 0;
        for (int s = first; s < end; s++)
        {
            SegmentView segment = segments[s];
            RotationSigns rotation = segment.Rotation;
            ReadOnlySpan<ulong> wanted = Wanted(segments, masks, s);
            int tableBytes = BlockLayout.TableBytes(rotation.PaddedDimension);
            for (int query = 0; query < tile.Count; query++)
            {
                QueryState state = tile[query];
                QueryTerms terms = QueryTables.Build(
                    state.Unit, segment.Centre.Span, rotation.Signs, rotation.Seed, tile.Scratch, tile.Tables.AsSpan(query * tableBytes, tableBytes));
                state.Bounds = new BinaryBounds(terms, state.Epsilon);
            }

            for (int block = 0; block < wanted.Length; block += step)
            {
                int count = Math.Min(step, wanted.Length - block);
                int slots = count * BlockLayout.SlotsPerBlock;
                BlockScan.Scan(segment.Codes, wanted, rotation.PaddedDimension, block, count, tile.Tables, tile.Count, tile.Sums);
                for (int query = 0; query < tile.Count; query++)
                {
                    QueryState state = tile[query];
                    UpperPass.Estimate(
                        tile.Sums.AsSpan(query * slots, slots),
                        segment.Factors.Slice(block * BlockLayout.FactorsPerBlock, count * BlockLayout.FactorsPerBlock),
                        wanted.Slice(block, count),
                        (s * Segment.Capacity) + (block * BlockLayout.SlotsPerBlock),
                        state.Bounds,
                        state.Uppers.AsSpan((done + block) * BlockLayout.SlotsPerBlock, slots),
                        state.Promising);
                }
            }

            done += wanted.Length;
        }
    }

    /// <summary>Raises the threshold by the eight-bit bounds of the slots with the best estimates.</summary>
    private static void RaiseThreshold(QueryState state, IReadOnlyList<SegmentView> segments)
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
    private static void Rescore(
        QueryTile tile, QueryState state, IReadOnlyList<SegmentView> segments, ulong[]?[]? masks, int first, int end)
    {
        int done = 0;
        for (int s = first; s < end; s++)
        {
            ReadOnlySpan<ulong> wanted = Wanted(segments, masks, s);
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

    /// <summary>Bounds every wanted slot with eight bits a value. The rows of a block are read from memory once for all queries.</summary>
    private static void ScanBytes(QueryTile tile, SegmentView segment, int segmentNumber, ReadOnlySpan<ulong> wanted)
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
