using Moorcheh.Index;
using Moorcheh.Items;
using Moorcheh.Kernels;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Search;

/// <summary>The last stage of a search: exact cosines from the records, best bounds first, until no bound left reaches the k-th best.</summary>
internal sealed class Ranking
{
    // Reads under way at once; those beyond the last one needed are wasted, and another round waits for the disk again.
    private const int MaxReads = 32;
    private const int MinReads = 8;
    private const int Spare = 6;

    // Bytes of records under way at once, as far as the size of the records is known.
    private const int MaxReadBytes = 4 << 20;

    // Rounds of large records are read one after the other when there are more of them.
    private const int LargeReadBytes = 256 << 10;
    private const int MaxLargeReads = 4;

    private static readonly IdlePool<Ranking> Idle = new();
    private static readonly SemaphoreSlim LargeReads = new(MaxLargeReads);

    private readonly RecordKey[] _keys = new RecordKey[MaxReads];
    private readonly RecordLease[] _records = new RecordLease[MaxReads];
    private readonly BestItems _best = new();
    private SearchPlan _plan = null!;
    private int _rescored;
    private int _largest;

    /// <summary>Ranks.</summary>
    /// <returns>The hits and how many vectors were scored; no hits when a record is gone and another attempt on newer snapshots is due.</returns>
    public static async ValueTask<(SearchHit[]? Hits, int Rescored32)> RankAsync(
        IRecordStore records, SearchPlan plan, CandidateSet candidates, int query, bool isLastAttempt, CancellationToken cancellationToken)
    {
        Ranking ranking = Idle.Rent();
        try
        {
            ranking._plan = plan;
            ranking._best.Begin(plan);
            ranking._rescored = 0;
            bool isWhole = await ranking.ScoreAsync(records, candidates, query, isLastAttempt, cancellationToken).ConfigureAwait(false)
                && (plan.Records is not { } found || await ranking.FillAsync(found, isLastAttempt, cancellationToken).ConfigureAwait(false));
            return (isWhole ? ranking._best.TakeHits() : null, ranking._rescored);
        }
        finally
        {
            ranking.Clear();
            Idle.Return(ranking);
        }
    }

    /// <summary>Finds the nearest of a search that looks for words as well: their places and cosines, best first.</summary>
    /// <returns>How many vectors were scored; -1 when a record is gone and another attempt on newer snapshots is due.</returns>
    public static async ValueTask<int> FindNearestAsync(
        IRecordStore records,
        SearchPlan plan,
        CandidateSet candidates,
        int query,
        List<(int Place, double Cosine)> into,
        bool isLastAttempt,
        CancellationToken cancellationToken)
    {
        Ranking ranking = Idle.Rent();
        try
        {
            ranking._plan = plan;
            ranking._best.Begin(plan);
            ranking._rescored = 0;
            if (!await ranking.ScoreAsync(records, candidates, query, isLastAttempt, cancellationToken).ConfigureAwait(false))
            {
                return -1;
            }

            for (int i = 0; i < ranking._best.Count; i++)
            {
                into.Add((ranking._best.Place(i), ranking._best.Cosine(i)));
            }

            return ranking._rescored;
        }
        finally
        {
            ranking.Clear();
            Idle.Return(ranking);
        }
    }

    /// <returns>False when another attempt is due.</returns>
    private async ValueTask<bool> ScoreAsync(
        IRecordStore records, CandidateSet candidates, int query, bool isLastAttempt, CancellationToken cancellationToken)
    {
        int survivors = candidates.Survivors(query).Length;
        _largest = AverageBytes();
        for (int next = 0; next < survivors && !_best.IsComplete(candidates.Survivors(query)[next].Upper);)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(Math.Clamp(_plan.Nearest + Spare - next, MinReads, MaxReads), survivors - next);
            count = Math.Clamp(MaxReadBytes / Math.Max(1, _largest), 1, count);
            for (int i = 0; i < count; i++)
            {
                int place = candidates.Survivors(query)[next + i].Place;
                _keys[i] = _plan.Scope.Source(place).ItemKey(_plan.Scope.RecordOf(place));
            }

            bool isLarge = (long)count * _largest > LargeReadBytes;
            if (isLarge)
            {
                await LargeReads.WaitAsync(cancellationToken).ConfigureAwait(false);
            }

            try
            {
                await records.ReadAsync(_keys.AsMemory(0, count), _records.AsMemory(0, count)).ConfigureAwait(false);
                if (!OfferAll(candidates.Survivors(query).Slice(next, count), isLastAttempt))
                {
                    return false;
                }
            }
            finally
            {
                if (isLarge)
                {
                    LargeReads.Release();
                }
            }

            next += count;
        }

        return _best.KeepsNone || _best.PassFilter() || isLastAttempt;
    }

    /// <summary>Scores the records just read.</summary>
    /// <returns>False when one is gone.</returns>
    /// <exception cref="MoorchehException">One is gone though nothing changes.</exception>
    private bool OfferAll(ReadOnlySpan<Survivor> survivors, bool nothingChanges)
    {
        bool isGone = false;
        for (int i = 0; i < survivors.Length; i++)
        {
            using RecordLease record = _records[i];
            _records[i] = default;
            isGone |= !record.IsFound;
            if (record.IsFound)
            {
                Offer(survivors[i].Place, record);
            }
            else if (nothingChanges)
            {
                int place = survivors[i].Place;
                throw NamespaceTable.RecordMissing(_plan.Scope.Source(place), _plan.Scope.IdOf(place));
            }
        }

        return !isGone;
    }

    private void Offer(int place, RecordLease record)
    {
        ReadOnlySpan<float> vector = ItemRecord.Parse(record.Body).Vector;
        double cosine = RankingCosine.Of(_plan.Query.Span, _plan.QuerySquare, vector);
        _rescored++;
        _largest = Math.Max(_largest, record.Body.Length);
        _best.Offer(place, cosine, record.Body);
    }

    /// <summary>
    /// Gives the records of the hits to those who send them. When they are too many bytes to be kept, each is read once more with a pin on it: from
    /// then on it stays.
    /// </summary>
    /// <returns>False when another attempt is due.</returns>
    private async ValueTask<bool> FillAsync(RecordSet found, bool isLastAttempt, CancellationToken cancellationToken)
    {
        found.Clear();
        int count = _best.CountHits();
        for (int i = 0; i < count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int place = _best.Place(i);
            RecordKey key = _plan.Scope.Source(place).ItemKey(_plan.Scope.RecordOf(place));
            if (!_best.KeepsNone)
            {
                found.AddCopy(key, _best.Record(i));
                continue;
            }

            using RecordLease record = await found.AddAsync(key).ConfigureAwait(false);
            if (!record.IsFound && isLastAttempt)
            {
                throw NamespaceTable.RecordMissing(_plan.Scope.Source(place), _plan.Scope.IdOf(place));
            }

            if (!record.IsFound || (!isLastAttempt && _plan.Filter is { } filter && !filter.Matches(ItemRecord.Parse(record.Body))))
            {
                return false;
            }
        }

        return true;
    }

    private int AverageBytes()
    {
        long bytes = 0;
        long items = 1;
        foreach (NamespaceEntry source in _plan.Scope.Sources)
        {
            bytes += source.StoredBytes;
            items += source.Index.Snapshot.Count;
        }

        return (int)Math.Min(bytes / items, int.MaxValue);
    }

    /// <summary>Gives back what is still held; after a failure that may be records that were not looked at.</summary>
    private void Clear()
    {
        foreach (RecordLease record in _records)
        {
            record.Dispose();
        }

        Array.Clear(_records);
        _best.Clear();
        _plan = null!;
    }
}
