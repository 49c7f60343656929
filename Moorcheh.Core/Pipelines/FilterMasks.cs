using System.Numerics;
using Moorcheh.Indexing;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>Turns a filter into one bit a slot, before the scan, so that the best k of the matching items are found and no others.</summary>
internal sealed class FilterMasks(StoreState state)
{
    /// <summary>The wanted slots of each segment of a search.</summary>
    public async ValueTask<ulong[]?[]> BuildAsync(SearchPlan plan, CancellationToken cancellationToken)
    {
        ulong[]?[] masks = new ulong[plan.Segments.Count][];
        for (int s = 0; s < masks.Length; s++)
        {
            SegmentView segment = plan.Segments[s];
            ulong[] mask = segment.Live.ToArray();
            masks[s] = mask;
            for (int block = 0; block < mask.Length; block++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                for (ulong left = mask[block]; left != 0; left &= left - 1)
                {
                    int lane = BitOperations.TrailingZeroCount(left);
                    int place = (s * Segment.Capacity) + (block * 64) + lane;
                    if (!await MatchesAsync(plan, place).ConfigureAwait(false))
                    {
                        mask[block] &= ~(1UL << lane);
                    }
                }
            }
        }

        return masks;
    }

    private async ValueTask<bool> MatchesAsync(SearchPlan plan, int place)
    {
        using RecordLease lease = await state.Records.ReadAsync(plan.Source(place).ItemKey(plan.RecordOf(place))).ConfigureAwait(false);

        // A record that is gone stays wanted: the ranking finds it missing and the search is repeated.
        return !lease.IsFound || plan.Filter!.Matches(ItemRecord.Parse(lease.Body));
    }
}
