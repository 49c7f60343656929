using System.Numerics;
using System.Text;
using Moorcheh.Index;
using Moorcheh.Items;
using Moorcheh.Kernels;
using Moorcheh.Namespaces;
using Moorcheh.Pipelines;
using Moorcheh.Storage;

namespace Moorcheh.Search;

/// <summary>
/// The last stage of a search: exact cosines from the records, best bounds first, until no bound left reaches the k-th best. The order
/// is total: cosine descending, then namespace, then id, ordinal.
/// </summary>
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

    // Copies of the best records are kept for the next search up to this size each.
    private const int MaxIdleBytes = 16 << 10;

    private static readonly IdlePool<Ranking> Idle = new();
    private static readonly SemaphoreSlim LargeReads = new(MaxLargeReads);

    private readonly RecordKey[] _keys = new RecordKey[MaxReads];
    private readonly RecordLease[] _records = new RecordLease[MaxReads];
    private readonly List<Ranked> _best = [];
    private readonly byte[]?[] _kept = new byte[SearchRequest.MaxTopK][];
    private SearchPlan _plan = null!;
    private int _rescored;
    private int _largest;
    private long _keptBytes;
    private bool _keepsNone;

    /// <summary>Ranks.</summary>
    /// <returns>The hits and how many vectors were scored; no hits when a record is gone and another attempt on newer snapshots is due.</returns>
    public static async ValueTask<(SearchHit[]? Hits, int Rescored32)> RankAsync(
        IRecordStore records, SearchPlan plan, CandidateSet candidates, int query, bool isLastAttempt, CancellationToken cancellationToken)
    {
        Ranking ranking = Idle.Rent();
        try
        {
            ranking._plan = plan;
            ranking._rescored = 0;
            bool isWhole = await ranking.ScoreAsync(records, candidates, query, isLastAttempt, cancellationToken).ConfigureAwait(false)
                && (plan.Records is not { } found || await ranking.FillAsync(found, isLastAttempt, cancellationToken).ConfigureAwait(false));
            return (isWhole ? ranking.TakeHits() : null, ranking._rescored);
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
        for (int next = 0; next < survivors && !IsComplete(candidates.Survivors(query)[next].Upper);)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(Math.Clamp(_plan.Request.TopK + Spare - next, MinReads, MaxReads), survivors - next);
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

        return _keepsNone || PassesFilter() || isLastAttempt;
    }

    /// <summary>True when what has at most this cosine cannot come in; an equal cosine can, by its id.</summary>
    private bool IsComplete(float upper) => _best.Count == _plan.Request.TopK && upper < _best[^1].Cosine;

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
        var ranked = new Ranked(cosine, place, Slot: _best.Count, record.Body.Length, ItemRecord.PlainLength(record.Body));
        int at = _best.Count;
        while (at > 0 && Compare(ranked, _best[at - 1]) < 0)
        {
            at--;
        }

        int k = _plan.Request.TopK;
        if (at < k)
        {
            if (_best.Count == k)
            {
                ranked = ranked with { Slot = _best[k - 1].Slot };
                _keptBytes -= _best[k - 1].PlainLength;
                _best.RemoveAt(k - 1);
            }

            _keptBytes += ranked.PlainLength;
            _keepsNone |= _plan.Records is not null && _keptBytes > RecordSet.MaxCopiedBytes;
            if (!_keepsNone)
            {
                Keep(ranked.Slot, record.Body);
            }

            _best.Insert(at, ranked);
        }
    }

    /// <summary>Copies a record. Rented arrays would not do: for a hundred hits there are more of them than the shared pool holds.</summary>
    private void Keep(int slot, ReadOnlySpan<byte> body)
    {
        if (_kept[slot] is not { } bytes || bytes.Length < body.Length)
        {
            _kept[slot] = bytes = new byte[(int)BitOperations.RoundUpToPowerOf2((uint)body.Length)];
        }

        body.CopyTo(bytes);
    }

    /// <summary>
    /// Gives the records of the hits to those who send them. When they are too many bytes to be kept, each is read once more with a pin on it: from
    /// then on it stays.
    /// </summary>
    /// <returns>False when another attempt is due.</returns>
    private async ValueTask<bool> FillAsync(RecordSet found, bool isLastAttempt, CancellationToken cancellationToken)
    {
        found.Clear();
        int count = CountHits();
        for (int i = 0; i < count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Ranked ranked = _best[i];
            RecordKey key = _plan.Scope.Source(ranked.Place).ItemKey(_plan.Scope.RecordOf(ranked.Place));
            if (!_keepsNone)
            {
                found.AddCopy(key, _kept[ranked.Slot].AsSpan(0, ranked.Length));
                continue;
            }

            using RecordLease record = await found.AddAsync(key).ConfigureAwait(false);
            if (!record.IsFound && isLastAttempt)
            {
                throw NamespaceTable.RecordMissing(_plan.Scope.Source(ranked.Place), _plan.Scope.IdOf(ranked.Place));
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

    private ItemRecord RecordOf(Ranked ranked) => ItemRecord.Parse(_kept[ranked.Slot].AsSpan(0, ranked.Length));

    private int Compare(in Ranked x, in Ranked y)
    {
        int order = y.Cosine.CompareTo(x.Cosine);
        order = order != 0 ? order : _plan.Scope.SourceOf(x.Place).CompareTo(_plan.Scope.SourceOf(y.Place));
        return order != 0 ? order : OrdinalUtf8.Compare(_plan.Scope.IdOf(x.Place), _plan.Scope.IdOf(y.Place));
    }

    private bool PassesFilter()
    {
        if (_plan.Filter is { } filter)
        {
            foreach (Ranked ranked in _best)
            {
                if (!filter.Matches(RecordOf(ranked)))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private int CountHits()
    {
        int count = 0;
        while (count < _best.Count && !(ItsScore.FromCosine(_best[count].Cosine) < _plan.Request.MinimumScore))
        {
            count++;
        }

        return count;
    }

    private SearchHit[] TakeHits()
    {
        int count = CountHits();
        if (count == 0)
        {
            return [];
        }

        var hits = new SearchHit[count];
        for (int i = 0; i < count; i++)
        {
            bool isBare = _plan.Records is not null;
            ItemRecord item = isBare ? default : RecordOf(_best[i]);
            double score = ItsScore.FromCosine(_best[i].Cosine);
            hits[i] = new SearchHit
            {
                Id = Encoding.UTF8.GetString(_plan.Scope.IdOf(_best[i].Place)),
                Namespace = _plan.Scope.Source(_best[i].Place).Name,
                Score = score,
                Label = ItsScore.Label(score),
                Cosine = _best[i].Cosine,
                Metadata = isBare ? ItemMetadata.Empty : ItemMetadata.FromStored(item.Metadata),
                Text = Encoding.UTF8.GetString(item.Text),
            };
        }

        return hits;
    }

    /// <summary>Gives back what is still held; after a failure that may be records that were not looked at.</summary>
    private void Clear()
    {
        foreach (RecordLease record in _records)
        {
            record.Dispose();
        }

        foreach (Ranked ranked in _best)
        {
            if (_kept[ranked.Slot]?.Length > MaxIdleBytes)
            {
                _kept[ranked.Slot] = null;
            }
        }

        _best.Clear();
        _keptBytes = 0;
        _keepsNone = false;
        Array.Clear(_records);
        _plan = null!;
    }

    private readonly record struct Ranked(double Cosine, int Place, int Slot, int Length, int PlainLength);
}
