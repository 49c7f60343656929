using System.Diagnostics;
using System.Text;
using Moorcheh.Indexing;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>Searches: check, embed, scan immutable snapshots, read the records of the hits. Takes no lock.</summary>
internal sealed class SearchPipeline(StoreState state, NamespaceTable namespaces, Embedder? embedder)
{
    /// <summary>
    /// Tries to read all hits of one set of snapshots. A record can be gone because an upload or delete replaced it after the
    /// snapshot was taken; then the search is repeated on newer snapshots, and the last time it takes what is there.
    /// </summary>
    private const int MaxAttempts = 10;

    public async Task<SearchResult> SearchAsync(SearchRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.TopK, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.TopK, SearchRequest.MaxTopK);
        long start = Stopwatch.GetTimestamp();
        QueryText? text = CheckQuery(request);
        NamespaceEntry[] sources = CheckNamespaces(request);

        ReadOnlyMemory<float> query = request.Vector;
        if (text is not null)
        {
            query = await EmbedAsync(text, sources, cancellationToken).ConfigureAwait(false);
        }

        long prepared = Stopwatch.GetTimestamp();
        ItemFilter? filter = ItemFilter.Create(request.Metadata, text);
        for (int attempt = 1; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long scanning = Stopwatch.GetTimestamp();
            List<Candidate> candidates = ExactScan.Find(
                [.. sources.Select(source => Fitting(source, query.Length))], query.Span, filter is null ? request.TopK : int.MaxValue);
            long scanned = Stopwatch.GetTimestamp();
            List<SearchHit>? hits = await ReadHitsAsync(request, sources, candidates, filter, attempt == MaxAttempts, cancellationToken).ConfigureAwait(false);
            if (hits is not null)
            {
                long end = Stopwatch.GetTimestamp();
                return new SearchResult(hits, new SearchTimings(
                    Stopwatch.GetElapsedTime(start, prepared),
                    Stopwatch.GetElapsedTime(scanning, scanned),
                    TimeSpan.Zero,
                    TimeSpan.Zero,
                    Stopwatch.GetElapsedTime(scanned, end),
                    Stopwatch.GetElapsedTime(start, end)));
            }
        }
    }

    private static QueryText? CheckQuery(SearchRequest request)
    {
        QueryText? text = null;
        if (request.Text is not null)
        {
            int bytes = Encoding.UTF8.GetByteCount(request.Text);
            if (string.IsNullOrWhiteSpace(request.Text))
            {
                throw new MoorchehException(ErrorCodes.EmptyField, "Field 'query' must not be empty.");
            }

            if (bytes > SearchRequest.MaxQueryBytes)
            {
                throw new MoorchehException(
                    ErrorCodes.QueryTooLong, $"Field 'query' has {bytes} bytes; the limit is {SearchRequest.MaxQueryBytes}.");
            }

            text = QueryText.Parse(request.Text);
            if (text.Text.Length == 0)
            {
                throw new MoorchehException(ErrorCodes.EmptyField, "Field 'query' has filters but no text.");
            }
        }
        else
        {
            CheckVector(request.Vector.Span);
        }

        if (request.Namespaces.Count == 0)
        {
            throw new MoorchehException(ErrorCodes.EmptyField, "Field 'namespaces' must not be empty.");
        }

        if (request.Namespaces.Count > SearchRequest.MaxNamespaces)
        {
            throw new MoorchehException(
                ErrorCodes.TooManyNamespaces,
                $"Field 'namespaces' has {request.Namespaces.Count} entries; the limit is {SearchRequest.MaxNamespaces}.");
        }

        if (request.MinimumScore is { } minimum && !(minimum is >= 0 and <= 1))
        {
            throw new MoorchehException(
                ErrorCodes.OutOfRange,
                string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Field 'threshold' must be between 0 and 1, not {minimum}."));
        }

        return text;
    }

    private static void CheckEmbedder(Embedder embedder, NamespaceEntry[] sources)
    {
        foreach (NamespaceEntry source in sources)
        {
            if (source.BoundEmbedder is { } bound && !embedder.Matches(bound))
            {
                throw embedder.Mismatch(source.Name, bound);
            }
        }
    }

    private static void CheckVector(ReadOnlySpan<float> vector)
    {
        if (vector.IsEmpty)
        {
            throw new MoorchehException(ErrorCodes.EmptyField, "Field 'query' must not be empty.");
        }

        for (int i = 0; i < vector.Length; i++)
        {
            if (!float.IsFinite(vector[i]))
            {
                throw new MoorchehException(ErrorCodes.NonFiniteValue, $"Query value {i} is not a finite number.");
            }
        }
    }

    /// <summary>A namespace that was emptied and filled with another model since it was checked has nothing to say to this query.</summary>
    private static IndexSnapshot Fitting(NamespaceEntry source, int dimension)
    {
        IndexSnapshot snapshot = source.State == NamespaceState.Active ? source.Index.Snapshot : IndexSnapshot.Empty;
        return snapshot.Dimension == dimension ? snapshot : IndexSnapshot.Empty;
    }

    private NamespaceEntry[] CheckNamespaces(SearchRequest request)
    {
        List<NamespaceEntry> entries = [];
        foreach (string name in request.Namespaces)
        {
            NamespaceEntry entry = namespaces.Get(name);
            if (request.Text is not null && entry.Kind != NamespaceKind.Text)
            {
                throw new MoorchehException(
                    ErrorCodes.WrongNamespaceType, $"Namespace '{name}' is a vector namespace; a text query needs text namespaces.");
            }

            if (request.Text is null && entry.Kind != NamespaceKind.Vector)
            {
                throw new MoorchehException(
                    ErrorCodes.WrongNamespaceType, $"Namespace '{name}' is a text namespace; a vector query needs vector namespaces.");
            }

            if (request.Text is null && entry.Dimension != request.Vector.Length)
            {
                throw new MoorchehException(
                    ErrorCodes.DimensionMismatch,
                    $"Query has {request.Vector.Length} values; namespace '{name}' needs {entry.Dimension}.");
            }

            entries.Add(entry);
        }

        return [.. entries.Distinct().OrderBy(entry => entry.Name, StringComparer.Ordinal)];
    }

    private async Task<ReadOnlyMemory<float>> EmbedAsync(QueryText text, NamespaceEntry[] sources, CancellationToken cancellationToken)
    {
        if (embedder is null)
        {
            throw new MoorchehException(ErrorCodes.EmbedderMissing, "No embedding provider is configured; text queries need one.");
        }

        CheckEmbedder(embedder, sources);
        ReadOnlyMemory<float> query = await embedder.EmbedQueryAsync(text.Text, cancellationToken).ConfigureAwait(false);
        CheckEmbedder(embedder, sources); // A generator that does not declare its dimension shows it with its first vector.
        return query;
    }

    /// <summary>Reads the records of the best candidates that pass the filter; null when one is gone and another attempt is due.</summary>
    private async ValueTask<List<SearchHit>?> ReadHitsAsync(
        SearchRequest request,
        NamespaceEntry[] sources,
        List<Candidate> candidates,
        ItemFilter? filter,
        bool isLastAttempt,
        CancellationToken cancellationToken)
    {
        List<SearchHit> hits = new(Math.Min(request.TopK, candidates.Count));
        foreach (Candidate candidate in candidates)
        {
            cancellationToken.ThrowIfCancellationRequested();
            double score = ItsScore.FromCosine(candidate.Cosine);
            if (hits.Count == request.TopK || score < request.MinimumScore)
            {
                break;
            }

            NamespaceEntry source = sources[candidate.Source];
            long record = candidate.Segment.RecordNumber(candidate.Slot);
            using RecordLease lease = await state.Records.ReadAsync(source.ItemKey(record)).ConfigureAwait(false);
            if (lease.IsFound)
            {
                AddHit(hits, source.Name, candidate.Cosine, score, filter, ItemRecord.Parse(lease.Body));
            }
            else if (!isLastAttempt)
            {
                return null;
            }
        }

        return hits;
    }

    private static void AddHit(List<SearchHit> hits, string source, double cosine, double score, ItemFilter? filter, in ItemRecord item)
    {
        if (filter is null || filter.Matches(item))
        {
            hits.Add(new SearchHit
            {
                Id = Encoding.UTF8.GetString(item.Id),
                Namespace = source,
                Score = score,
                Label = ItsScore.Label(score),
                Cosine = cosine,
                Metadata = ItemMetadata.FromStored(item.Metadata),
                Text = Encoding.UTF8.GetString(item.Text),
            });
        }
    }
}
