using System.Buffers;
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
    // The first threshold comes from this many times k slots, those with the best estimates. For a leg of a hundred, keeping fewer of them saves more than the
    // lower threshold costs (the scan for k = 100 takes a fifth less).
    private const int Promising = 4;
    private const int PromisingOfMany = 2;
    private const int Many = 50;

    private const float FastEpsilon = 3;
    private const double CertifiedFailure = 1e-6;

    /// <summary>How many slots with the best estimates are looked at first.</summary>
    public static int PromisingOf(int k) => (k < Many ? Promising : PromisingOfMany) * k;

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
                AbsoluteScan.Run(tile, segments[s], s, Wanted(segments, masks, s));
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
                ByteStage.RaiseThreshold(state, segments);
                ByteStage.Rescore(tile, state, segments, masks, first, end);
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

    /// <summary>The wanted slots of a segment.</summary>
    public static ReadOnlySpan<ulong> Wanted(IReadOnlyList<SegmentView> segments, ulong[]?[]? masks, int s) =>
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
}
