using System.Numerics;
using Moorcheh.Changes;
using Moorcheh.Filters;
using Moorcheh.Index;
using Moorcheh.Items;
using Moorcheh.Search.Filters;
using Moorcheh.Storage;

namespace Moorcheh.Search;

/// <summary>Turns a filter into one bit a slot, before the scan, so that the best k of the matching items are found and no others.</summary>
internal sealed class FilterMasks(StoreState state)
{
    /// <summary>The wanted slots of each segment of a search.</summary>
    /// <param name="plan">The search.</param>
    /// <param name="verify">True to ask the record of every item the postings let through, even where they decide alone.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async ValueTask<ulong[]?[]?> BuildAsync(SearchPlan plan, bool verify, CancellationToken cancellationToken)
    {
        FilterPlan filter = plan.Filter!.Plan;
        verify |= filter.NeedsVerification;
        ulong[]?[] masks = new ulong[plan.Scope.Segments.Count][];
        for (int s = 0; s < masks.Length; s++)
        {
            SegmentView segment = plan.Scope.Segments[s];
            ulong[] mask = segment.Live.ToArray();
            masks[s] = mask;
            if (!filter.AndInto(segment.Postings, mask))
            {
                continue;
            }

            ulong[]? open = filter.Filter is null ? null : FilterBits.AndInto(filter.Filter, segment, mask);
            if (verify || open is not null)
            {
                await VerifyAsync(plan, s, mask, verify ? mask : open!, cancellationToken).ConfigureAwait(false);
            }
        }

        return masks;
    }

    private async ValueTask VerifyAsync(SearchPlan plan, int segment, ulong[] mask, ulong[] open, CancellationToken cancellationToken)
    {
        for (int block = 0; block < mask.Length; block++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (ulong left = open[block]; left != 0; left &= left - 1)
            {
                int lane = BitOperations.TrailingZeroCount(left);
                if (!await MatchesAsync(plan, (segment * Segment.Capacity) + (block * 64) + lane).ConfigureAwait(false))
                {
                    mask[block] &= ~(1UL << lane);
                }
            }
        }
    }

    private async ValueTask<bool> MatchesAsync(SearchPlan plan, int place)
    {
        using RecordLease lease = await state.Records.ReadAsync(plan.Scope.Source(place).ItemKey(plan.Scope.RecordOf(place))).ConfigureAwait(false);

        // A record that is gone stays wanted: the ranking finds it missing and the search is repeated.
        return !lease.IsFound || plan.Filter!.Matches(ItemRecord.Parse(lease.Body));
    }
}
