using System.Numerics;
using Moorcheh.Index;
using Moorcheh.Items;
using Moorcheh.Namespaces;
using Moorcheh.Search.Words;
using Moorcheh.Storage;

namespace Moorcheh.Search;

/// <summary>
/// The word leg counted on records, where the postings were wrong in a hit: another word has the same 64-bit term. Reads every text that may have a word. What
/// does not show in a hit stays unseen: then a word counts as if it stood in a text more, by chance in fewer than one of 10^12 pairs of words, and
/// whoever seeks such a word could as well upload the word itself.
/// </summary>
internal static class RecordWords
{
    /// <summary>Counts.</summary>
    /// <returns>The statistics and the greatest score of all texts; null when a record is gone and another attempt on newer snapshots is due.</returns>
    public static async ValueTask<(WordStatistics Statistics, double Most)?> FindAsync(
        IRecordStore records, SearchPlan plan, ulong[]?[]? masks, BestWordHits best, bool isLastAttempt, CancellationToken cancellationToken)
    {
        QueryWords words = plan.Words!;
        List<(int Place, int Length, int[] Times)> texts = [];
        IReadOnlyList<SegmentView> segments = plan.Scope.Segments;
        for (int s = 0; s < segments.Count; s++)
        {
            foreach (int slot in Candidates(segments[s], words))
            {
                cancellationToken.ThrowIfCancellationRequested();
                int place = (s * Segment.Capacity) + slot;
                using RecordLease lease = await records.ReadAsync(plan.Scope.Source(place).ItemKey(plan.Scope.RecordOf(place))).ConfigureAwait(false);
                if (!lease.IsFound)
                {
                    return isLastAttempt ? throw NamespaceTable.RecordMissing(plan.Scope.Source(place), plan.Scope.IdOf(place)) : null;
                }

                int[] times = new int[words.Count];
                int length = words.CountIn(ItemRecord.Parse(lease.Body).Text, times);
                texts.Add((place, length, times));
            }
        }

        long[] withWord = new long[words.Count];
        foreach ((_, _, int[] times) in texts)
        {
            for (int word = 0; word < times.Length; word++)
            {
                withWord[word] += times[word] > 0 ? 1 : 0;
            }
        }

        var statistics = new WordStatistics(segments.Sum(view => (long)view.LiveCount), segments.Sum(view => view.LiveWords), withWord);
        double most = 0;
        foreach ((int place, int length, int[] times) in texts.Where(text => text.Times.Any(count => count > 0)))
        {
            double score = statistics.Score(words, times, length);
            most = Math.Max(most, score);
            int slot = place % Segment.Capacity;
            if (masks?[place / Segment.Capacity] is not { } mask || (mask[slot / 64] >> (slot % 64) & 1) != 0)
            {
                best.Offer(place, score);
            }
        }

        return (statistics, most);
    }

    private static List<int> Candidates(SegmentView view, QueryWords words)
    {
        ulong[] any = new ulong[view.Blocks];
        ulong[] mask = new ulong[view.Blocks];
        for (int word = 0; word < words.Count; word++)
        {
            view.Live.CopyTo(mask);
            view.Postings.AndInto(words[word].Term, mask);
            for (int i = 0; i < any.Length; i++)
            {
                any[i] |= mask[i];
            }
        }

        List<int> slots = [];
        for (int i = 0; i < any.Length; i++)
        {
            for (ulong bits = any[i]; bits != 0; bits &= bits - 1)
            {
                slots.Add((i * 64) + BitOperations.TrailingZeroCount(bits));
            }
        }

        return slots;
    }
}
