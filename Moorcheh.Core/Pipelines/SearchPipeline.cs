using System.Diagnostics;
using System.Text;
using Moorcheh.Indexing;
using Moorcheh.Namespaces;

namespace Moorcheh.Pipelines;

/// <summary>Searches: check, embed, scan immutable snapshots, read the records of the hits. Takes no lock, except in its last attempt.</summary>
internal sealed class SearchPipeline(StoreState state, NamespaceTable namespaces, Embedder? embedder, FilterMasks masksOf)
{
    /// <summary>
    /// Tries to read all hits of one set of snapshots. A record can be gone because an upload or delete replaced it after the
    /// snapshot was taken; then the search is repeated on newer snapshots, and the last time while nothing changes.
    /// </summary>
    private const int MaxAttempts = 10;

    public async Task<SearchResult> SearchAsync(SearchRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.TopK, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.TopK, SearchRequest.MaxTopK);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Threads, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.Threads, SearchRequest.MaxThreads);
        long start = Stopwatch.GetTimestamp();
        QueryText? text = CheckQuery(request);
        NamespaceEntry[] sources = CheckNamespaces(request);

        ReadOnlyMemory<float> query = request.Vector;
        if (text is not null)
        {
            query = await EmbedAsync(text, sources, cancellationToken).ConfigureAwait(false);
        }

        var plan = new SearchPlan(request, ItemFilter.Create(request.Metadata, text), query, sources);
        long prepared = Stopwatch.GetTimestamp();
        for (int attempt = 1; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            SearchResult? result = attempt < MaxAttempts
                ? await RunAsync(plan, start, prepared, attempt, cancellationToken).ConfigureAwait(false)
                : await RunAloneAsync(plan, sources, start, prepared, cancellationToken).ConfigureAwait(false);
            if (result is not null)
            {
                return result;
            }
        }
    }

    /// <summary>The last attempt, while nothing changes in the namespaces: under a storm of updates a search must end, and be exact.</summary>
    private async Task<SearchResult?> RunAloneAsync(
        SearchPlan plan, NamespaceEntry[] sources, long start, long prepared, CancellationToken cancellationToken)
    {
        int held = 0;
        try
        {
            // In the order of names, as every search does; writers hold one of these locks at a time.
            for (; held < sources.Length; held++)
            {
                await sources[held].WriteLock.WaitAsync(cancellationToken).ConfigureAwait(false);
            }

            return await RunAsync(plan, start, prepared, MaxAttempts, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            while (held > 0)
            {
                sources[--held].WriteLock.Release();
            }
        }
    }

    /// <summary>
    /// One attempt; null when another is due: a record was gone, or a hit does not pass the filter, because terms of different values have
    /// the same hash. Later attempts ask the record of every item that the postings let through.
    /// </summary>
    private async Task<SearchResult?> RunAsync(SearchPlan plan, long start, long prepared, int attempt, CancellationToken cancellationToken)
    {
        plan.TakeSnapshots();
        ulong[]?[]? masks = plan.Filter is null
            ? null
            : await masksOf.BuildAsync(plan, verify: attempt > 1, cancellationToken).ConfigureAwait(false);
        long masked = Stopwatch.GetTimestamp();
        using CandidateSet candidates = CandidateSet.Find(plan, masks);
        long scanned = Stopwatch.GetTimestamp();
        Ranking? ranking = await Ranking.RankAsync(state.Records, plan, candidates, attempt == MaxAttempts, cancellationToken).ConfigureAwait(false);
        if (ranking is null)
        {
            return null;
        }

        long ranked = Stopwatch.GetTimestamp();
        return new SearchResult(
            ranking.Hits,
            new SearchTimings(
                Stopwatch.GetElapsedTime(start, prepared),
                Stopwatch.GetElapsedTime(masked, scanned),
                Stopwatch.GetElapsedTime(prepared, masked),
                Stopwatch.GetElapsedTime(scanned, ranked),
                TimeSpan.Zero,
                Stopwatch.GetElapsedTime(start, ranked)),
            plan.Request.Guarantee,
            new SearchWork(plan.CountWanted(masks), candidates.Rescored8, ranking.Rescored32));
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
}
