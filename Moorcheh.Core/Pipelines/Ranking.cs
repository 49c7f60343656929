using System.Runtime.ExceptionServices;
using System.Text;
using Moorcheh.Indexing;
using Moorcheh.Kernels;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>
/// The last stage of a search: exact cosines from the records, best bounds first, until no bound left reaches the k-th best. The order
/// is total: cosine descending, then namespace, then id, ordinal.
/// </summary>
internal sealed class Ranking : IDisposable
{
    // Reads under way at once; those beyond the last one needed are wasted.
    private const int Batch = 16;

    private readonly SearchPlan _plan;
    private readonly int _k;
    private readonly List<Ranked> _best;

    private Ranking(SearchPlan plan)
    {
        _plan = plan;
        _k = plan.Request.TopK;
        _best = new List<Ranked>(_k + 1);
    }

    public IReadOnlyList<SearchHit> Hits { get; private set; } = [];

    /// <summary>Vectors scored exactly.</summary>
    public int Rescored32 { get; private set; }

    /// <summary>Ranks; null when a record is gone and another attempt on newer snapshots is due.</summary>
    public static async ValueTask<Ranking?> RankAsync(
        IRecordStore records, SearchPlan plan, CandidateSet candidates, int query, bool isLastAttempt, CancellationToken cancellationToken)
    {
        using var ranking = new Ranking(plan);
        var reads = new ValueTask<RecordLease>[Batch];
        for (int next = 0; next < candidates.Survivors(query).Length && !ranking.IsComplete(candidates.Survivors(query)[next].Upper);)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(Batch, candidates.Survivors(query).Length - next);
            for (int i = 0; i < count; i++)
            {
                int place = candidates.Survivors(query)[next + i].Place;
                reads[i] = records.ReadAsync(plan.Scope.Source(place).ItemKey(plan.Scope.RecordOf(place)));
            }

            // Every read is waited for, also when one fails: none may be under way when the store closes.
            bool isGone = false;
            Exception? failure = null;
            for (int i = 0; i < count; i++)
            {
                try
                {
                    RecordLease lease = await reads[i].ConfigureAwait(false);
                    isGone |= !lease.IsFound;
                    ranking.Offer(candidates.Survivors(query)[next + i], lease);
                }
                catch (Exception e)
                {
                    failure ??= e;
                }
            }

            if (failure is not null)
            {
                ExceptionDispatchInfo.Throw(failure);
            }

            if (isGone && !isLastAttempt)
            {
                return null;
            }

            next += count;
        }

        if (!ranking.PassesFilter() && !isLastAttempt)
        {
            return null;
        }

        ranking.Hits = ranking.TakeHits();
        return ranking;
    }

    public void Dispose()
    {
        foreach (Ranked ranked in _best)
        {
            ranked.Lease.Dispose();
        }

        _best.Clear();
    }

    /// <summary>True when what has at most this cosine cannot come in; an equal cosine can, by its id.</summary>
    private bool IsComplete(float upper) => _best.Count == _k && upper < _best[^1].Cosine;

    private void Offer(Survivor survivor, RecordLease lease)
    {
        if (!lease.IsFound)
        {
            return;
        }

        ReadOnlySpan<float> vector = ItemRecord.Parse(lease.Body).Vector;
        double cosine = CanonicalDot.Cosine(
            CanonicalDot.Dot(_plan.Query.Span, vector), _plan.QueryNorm, CanonicalDot.Norm(vector));
        Rescored32++;
        var ranked = new Ranked(cosine, survivor.Place, lease);
        int at = _best.Count;
        while (at > 0 && Compare(ranked, _best[at - 1]) < 0)
        {
            at--;
        }

        if (at == _k)
        {
            lease.Dispose();
            return;
        }

        _best.Insert(at, ranked);
        if (_best.Count > _k)
        {
            _best[_k].Lease.Dispose();
            _best.RemoveAt(_k);
        }
    }

    private int Compare(in Ranked x, in Ranked y)
    {
        int order = y.Cosine.CompareTo(x.Cosine);
        order = order != 0 ? order : _plan.Scope.SourceOf(x.Place).CompareTo(_plan.Scope.SourceOf(y.Place));
        return order != 0 ? order : OrdinalUtf8.Compare(_plan.Scope.IdOf(x.Place), _plan.Scope.IdOf(y.Place));
    }

    private bool PassesFilter() =>
        _plan.Filter is not { } filter || _best.TrueForAll(ranked => filter.Matches(ItemRecord.Parse(ranked.Lease.Body)));

    private List<SearchHit> TakeHits()
    {
        List<SearchHit> hits = new(_best.Count);
        foreach (Ranked ranked in _best)
        {
            double score = ItsScore.FromCosine(ranked.Cosine);
            if (score < _plan.Request.MinimumScore)
            {
                break;
            }

            ItemRecord item = ItemRecord.Parse(ranked.Lease.Body);
            hits.Add(new SearchHit
            {
                Id = Encoding.UTF8.GetString(item.Id),
                Namespace = _plan.Scope.Source(ranked.Place).Name,
                Score = score,
                Label = ItsScore.Label(score),
                Cosine = ranked.Cosine,
                Metadata = ItemMetadata.FromStored(item.Metadata),
                Text = Encoding.UTF8.GetString(item.Text),
            });
        }

        return hits;
    }

    private readonly record struct Ranked(double Cosine, int Place, RecordLease Lease);
}
