using Moorcheh.Changes;
using Moorcheh.Search.Words;

namespace Moorcheh.Search;

/// <summary>One attempt of a keyword or hybrid search on snapshots that were taken.</summary>
internal sealed class MixedSearch(StoreState state)
{
    /// <summary>Runs the attempt.</summary>
    /// <param name="plan">The search.</param>
    /// <param name="candidates">What the coded stages left; null in a keyword search.</param>
    /// <param name="query">Which of their queries it is.</param>
    /// <param name="masks">Wanted slots of each segment; null for all live ones.</param>
    /// <param name="isLastAttempt">True while nothing changes.</param>
    /// <param name="cancellationToken">Looked at between the steps.</param>
    /// <returns>The hits, null when another attempt is due, and how many vectors were scored.</returns>
    public async ValueTask<(SearchHit[]? Hits, int Rescored32)> RankAsync(
        SearchPlan plan, CandidateSet? candidates, int query, ulong[]?[]? masks, bool isLastAttempt, CancellationToken cancellationToken)
    {
        List<(int Place, double Cosine)> nearest = [];
        int rescored = 0;
        if (candidates is { } found)
        {
            rescored = await Ranking.FindNearestAsync(
                state.Records, plan, found, query, nearest, isLastAttempt, cancellationToken).ConfigureAwait(false);
            if (rescored < 0)
            {
                return (null, 0);
            }
        }

        bool isKeyword = plan.Request.Mode == SearchMode.Keyword;
        var best = new BestWordHits(Fusion.LegOf(plan.Request.TopK), plan.Scope.ComparePlaces);
        WordStatistics statistics;
        double most;
        if (plan.CountsInRecords)
        {
            if (await RecordWords.FindAsync(state.Records, plan, masks, best, isLastAttempt, cancellationToken).ConfigureAwait(false) is not { } counted)
            {
                return (null, rescored);
            }

            (statistics, most) = counted;
        }
        else
        {
            statistics = WordStatistics.Count(plan.Scope.Segments, plan.Words!);
            most = WordLeg.Find(
                plan.Scope.Segments, masks, plan.Words!, statistics, best, Fusion.LegOf(plan.Request.TopK), wantsMost: isKeyword);
        }

        Mixed[] ranked = isKeyword
            ? Fusion.Rank(best.Hits, most, plan.Scope)
            : Fusion.Mix(nearest, best.Hits, plan.Request.KeywordWeight, plan.Scope);
        SearchHit[]? hits = await MixedHits.ReadAsync(
            state.Records, plan, statistics, ranked, isLastAttempt, cancellationToken).ConfigureAwait(false);
        return (hits, rescored);
    }
}
