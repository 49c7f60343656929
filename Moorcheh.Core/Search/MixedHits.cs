using System.Text;
using Moorcheh.Items;
using Moorcheh.Kernels;
using Moorcheh.Namespaces;
using Moorcheh.Search.Words;
using Moorcheh.Storage;

namespace Moorcheh.Search;

/// <summary>
/// Reads the records of the hits of a keyword or hybrid search, fills in what the other leg would say of them, and checks what the postings said: that the filter
/// lets them through and how often they have the words.
/// </summary>
internal sealed class MixedHits
{
    private const int MaxReads = 8;

    private readonly IRecordStore _records;
    private readonly SearchPlan _plan;
    private readonly WordStatistics _statistics;
    private readonly Mixed[] _ranked;
    private readonly SearchHit[] _hits;
    private readonly int[] _times;
    private readonly bool _isLastAttempt;
    private long _copiedBytes;

    private MixedHits(IRecordStore records, SearchPlan plan, WordStatistics statistics, Mixed[] ranked, bool isLastAttempt)
    {
        _records = records;
        _plan = plan;
        _statistics = statistics;
        _ranked = ranked;
        _isLastAttempt = isLastAttempt;
        _times = new int[plan.Words!.Count];
        int count = 0;
        while (count < Math.Min(plan.Request.TopK, ranked.Length) && !(ranked[count].Score < plan.Request.MinimumScore))
        {
            count++;
        }

        _hits = new SearchHit[count];
    }

    /// <summary>Reads the hits.</summary>
    /// <returns>Null when another attempt is due.</returns>
    public static async ValueTask<SearchHit[]?> ReadAsync(
        IRecordStore records, SearchPlan plan, WordStatistics statistics, Mixed[] ranked, bool isLastAttempt, CancellationToken cancellationToken)
    {
        var hits = new MixedHits(records, plan, statistics, ranked, isLastAttempt);
        plan.Records?.Clear();
        return await hits.ReadAsync(cancellationToken).ConfigureAwait(false) ? hits._hits : null;
    }

    private async ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        var keys = new RecordKey[MaxReads];
        var leases = new RecordLease[MaxReads];
        for (int next = 0; next < _hits.Length; next += MaxReads)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(MaxReads, _hits.Length - next);
            for (int i = 0; i < count; i++)
            {
                keys[i] = KeyOf(next + i);
            }

            try
            {
                await _records.ReadAsync(keys.AsMemory(0, count), leases.AsMemory(0, count)).ConfigureAwait(false);
                for (int i = 0; i < count; i++)
                {
                    if (!Take(next + i, leases[i]))
                    {
                        return false;
                    }

                    if (_plan.Records is { } found && _copiedBytes <= RecordSet.MaxCopiedBytes)
                    {
                        _copiedBytes += ItemRecord.PlainLength(leases[i].Body);
                        if (_copiedBytes <= RecordSet.MaxCopiedBytes)
                        {
                            found.AddCopy(keys[i], leases[i].Body);
                        }
                    }
                }
            }
            finally
            {
                for (int i = 0; i < count; i++)
                {
                    leases[i].Dispose();
                    leases[i] = default;
                }
            }
        }

        return _plan.Records is null || _copiedBytes <= RecordSet.MaxCopiedBytes || await PinAsync(_plan.Records, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Records that are too many bytes to be copied are read once more with a pin on them: from then on they stay.</summary>
    private async ValueTask<bool> PinAsync(RecordSet found, CancellationToken cancellationToken)
    {
        found.Clear();
        for (int i = 0; i < _hits.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using RecordLease record = await found.AddAsync(KeyOf(i)).ConfigureAwait(false);
            if (!Take(i, record))
            {
                return false;
            }
        }

        return true;
    }

    private RecordKey KeyOf(int index)
    {
        int place = _ranked[index].Place;
        return _plan.Scope.Source(place).ItemKey(_plan.Scope.RecordOf(place));
    }

    /// <returns>False when another attempt is due.</returns>
    private bool Take(int index, RecordLease record)
    {
        Mixed ranked = _ranked[index];
        if (!record.IsFound)
        {
            return _isLastAttempt
                ? throw NamespaceTable.RecordMissing(_plan.Scope.Source(ranked.Place), _plan.Scope.IdOf(ranked.Place))
                : false;
        }

        ItemRecord item = ItemRecord.Parse(record.Body);
        int length = _plan.Words!.CountIn(item.Text, _times);
        double wordScore = _statistics.Score(_plan.Words, _times, length);
        if (!_isLastAttempt && ranked.WordScore is { } told && told != wordScore)
        {
            _plan.CountsInRecords = true;
            return false;
        }

        if (!_isLastAttempt && _plan.Filter is { } filter && !filter.Matches(item))
        {
            return false;
        }

        _hits[index] = ToHit(ranked, item, wordScore);
        return true;
    }

    private SearchHit ToHit(Mixed ranked, ItemRecord item, double wordScore)
    {
        // A namespace of another model has vectors of another length.
        double? cosine = ranked.Cosine ?? (_plan.HasQuery && item.Vector.Length == _plan.Query.Length
            ? RankingCosine.Of(_plan.Query.Span, _plan.QuerySquare, item.Vector)
            : null);
        double? its = cosine is { } known ? ItsScore.FromCosine(known) : null;
        bool isBare = _plan.Records is not null;
        return new SearchHit
        {
            Id = Encoding.UTF8.GetString(item.Id),
            Namespace = _plan.Scope.Source(ranked.Place).Name,
            Score = ranked.Score,
            Label = its is { } score ? ItsScore.Label(score) : string.Empty,
            Cosine = cosine ?? 0,
            SemanticScore = its,
            KeywordScore = wordScore,
            MatchedWords = Matched(),
            Metadata = isBare ? ItemMetadata.Empty : ItemMetadata.FromStored(item.Metadata),
            Text = isBare || !item.HasText ? null : Encoding.UTF8.GetString(item.Text),
        };
    }

    private string[] Matched()
    {
        List<string> words = [];
        for (int word = 0; word < _times.Length; word++)
        {
            if (_times[word] > 0)
            {
                words.Add(_plan.Words![word].Text);
            }
        }

        return [.. words];
    }
}
