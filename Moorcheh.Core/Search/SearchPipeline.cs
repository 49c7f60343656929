using System.Diagnostics;
using Moorcheh.Changes;
using Moorcheh.Items;
using Moorcheh.Namespaces;
using Moorcheh.Pipelines;
using Moorcheh.Search.Filters;
using Moorcheh.Search.Words;

namespace Moorcheh.Search;

/// <summary>Searches: check, embed, scan immutable snapshots, read the records of the hits. Takes no lock, except in its last attempt.</summary>
internal sealed class SearchPipeline(StoreState state, Embedder? embedder, FilterMasks masksOf)
{
    /// <summary>
    /// Tries to read all hits of one set of snapshots. A record can be gone because an upload or delete replaced it after the
    /// snapshot was taken; then the search is repeated on newer snapshots, and the last time while nothing changes.
    /// </summary>
    private const int MaxAttempts = 10;

    /// <summary>How long a search by words waits for an embedder, which only adds the semantic scores of its hits.</summary>
    public static readonly TimeSpan KeywordPatience = TimeSpan.FromSeconds(1);

    private readonly MixedSearch _mixed = new(state);

    public async ValueTask<SearchResult> SearchAsync(SearchRequest request, RecordSet? records, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        long start = Stopwatch.GetTimestamp();
        (QueryText? text, NamespaceEntry[] sources) = Check(request);
        ReadOnlyMemory<float> query = request.Vector;
        if (text is not null && (request.Mode != SearchMode.Keyword || CanEmbed(sources)))
        {
            query = await EmbedAsync(text, sources, request.Mode, cancellationToken).ConfigureAwait(false);
        }

        ItemFilter? filter = ItemFilter.Create(FilterConditions.Of(request.Metadata, request.Filter, text));
        var plan = new SearchPlan(request, filter, query, ScopeOf(request, sources, query)) { Words = WordsOf(request, text), Records = records };
        return await RunAsync(plan, 1, start, Stopwatch.GetTimestamp(), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Where a search looks.</summary>
    public static SearchScope ScopeOf(SearchRequest request, NamespaceEntry[] sources, ReadOnlyMemory<float> query) =>
        new(sources, request.Mode == SearchMode.Keyword ? SearchScope.AnyDimension : query.Length);

    /// <summary>What a search looks for by words; null for a semantic one.</summary>
    public static QueryWords? WordsOf(SearchRequest request, QueryText? text) =>
        request.Mode == SearchMode.Semantic ? null : QueryWords.Parse(text!.Text);

    /// <summary>Checks what can be checked before any work is done.</summary>
    /// <returns>The text query, if it is one, and the namespaces in the order of their names.</returns>
    public (QueryText? Text, NamespaceEntry[] Sources) Check(SearchRequest request)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(request.TopK, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.TopK, SearchRequest.MaxTopK);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Threads, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.Threads, SearchRequest.MaxThreads);
        if (!Enum.IsDefined(request.Mode))
        {
            throw new ArgumentOutOfRangeException(nameof(request), request.Mode, "There is no such search mode.");
        }

        return (SearchRules.CheckQuery(request), CheckNamespaces(request));
    }

    /// <summary>True when the embedder is there and fits the namespaces.</summary>
    public bool CanEmbed(NamespaceEntry[] sources) =>
        embedder is not null && Array.TrueForAll(sources, source => source.BoundEmbedder is not { } bound || embedder.Matches(bound));

    /// <summary>The embedder, which must be there and fit the namespaces.</summary>
    public Embedder CheckEmbedder(NamespaceEntry[] sources)
    {
        if (embedder is null)
        {
            throw new MoorchehException(ErrorCodes.EmbedderMissing, "No embedding provider is configured; text queries need one.");
        }

        foreach (NamespaceEntry source in sources)
        {
            if (source.BoundEmbedder is { } bound && !embedder.Matches(bound))
            {
                throw embedder.Mismatch(source.Name, bound);
            }
        }

        return embedder;
    }

    /// <summary>Runs a search until an attempt succeeds.</summary>
    public async ValueTask<SearchResult> RunAsync(SearchPlan plan, int attempt, long start, long prepared, CancellationToken cancellationToken)
    {
        for (; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            SearchResult? result = attempt < MaxAttempts
                ? await TryAsync(plan, start, prepared, attempt, cancellationToken).ConfigureAwait(false)
                : await TryAloneAsync(plan, start, prepared, cancellationToken).ConfigureAwait(false);
            if (result is not null)
            {
                return result;
            }
        }
    }

    /// <summary>The wanted slots of a scope whose snapshots were taken; null for all live ones.</summary>
    public ValueTask<ulong[]?[]?> MasksAsync(SearchPlan plan, int attempt, CancellationToken cancellationToken) =>
        plan.Filter is null ? default : masksOf.BuildAsync(plan, verify: attempt > 1, cancellationToken);

    /// <summary>The exact stage of one attempt; null when another is due.</summary>
    public async ValueTask<SearchResult?> RankAsync(
        SearchPlan plan, CandidateSet? candidates, int query, ulong[]?[]? masks, SearchClock clock, int attempt, CancellationToken cancellationToken)
    {
        bool isLastAttempt = attempt == MaxAttempts;
        (SearchHit[]? hits, int rescored) = plan.Words is null
            ? await Ranking.RankAsync(state.Records, plan, candidates!.Value, query, isLastAttempt, cancellationToken).ConfigureAwait(false)
            : await _mixed.RankAsync(plan, candidates, query, masks, isLastAttempt, cancellationToken).ConfigureAwait(false);
        return hits is null
            ? null
            : new SearchResult(
                hits,
                clock.Stop(),
                plan.Request.Guarantee,
                new SearchWork(plan.Scope.CountWanted(masks), candidates?.Rescored8(query) ?? 0, rescored));
    }

    /// <summary>The last attempt, while nothing changes in the namespaces: under a storm of updates a search must end, and be exact.</summary>
    private async ValueTask<SearchResult?> TryAloneAsync(SearchPlan plan, long start, long prepared, CancellationToken cancellationToken)
    {
        NamespaceEntry[] sources = plan.Scope.Sources;
        int held = 0;
        try
        {
            // In the order of names, as every search does; writers hold one of these locks at a time.
            for (; held < sources.Length; held++)
            {
                await sources[held].WriteLock.WaitAsync(cancellationToken).ConfigureAwait(false);
            }

            return await TryAsync(plan, start, prepared, MaxAttempts, cancellationToken).ConfigureAwait(false);
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
    private async ValueTask<SearchResult?> TryAsync(
        SearchPlan plan, long start, long prepared, int attempt, CancellationToken cancellationToken)
    {
        plan.Scope.TakeSnapshots();
        ulong[]?[]? masks = await MasksAsync(plan, attempt, cancellationToken).ConfigureAwait(false);
        long masked = Stopwatch.GetTimestamp();
        if (plan.Request.Mode == SearchMode.Keyword)
        {
            return await RankAsync(
                plan, null, 0, masks, new SearchClock(start, prepared, masked, masked), attempt, cancellationToken).ConfigureAwait(false);
        }

        using CandidateSet candidates = CandidateSet.Find(new ReadOnlySpan<SearchPlan>(in plan), masks);
        var clock = new SearchClock(start, prepared, masked, Stopwatch.GetTimestamp());
        return await RankAsync(plan, candidates, 0, masks, clock, attempt, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Embeds a query. A keyword search only tells more of its hits when it can, so that a generator that fails does not fail it.</summary>
    private async ValueTask<ReadOnlyMemory<float>> EmbedAsync(
        QueryText text, NamespaceEntry[] sources, SearchMode mode, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (mode == SearchMode.Keyword)
        {
            stop.CancelAfter(KeywordPatience);
        }

        try
        {
            ReadOnlyMemory<float> query = await CheckEmbedder(sources).EmbedQueryAsync(text.Text, stop.Token).ConfigureAwait(false);
            CheckEmbedder(sources); // A generator that does not declare its dimension shows it with its first vector.
            return query;
        }
        catch (Exception e) when (mode == SearchMode.Keyword && !cancellationToken.IsCancellationRequested && e is MoorchehException or OperationCanceledException)
        {
            return default;
        }
    }

    private NamespaceEntry[] CheckNamespaces(SearchRequest request)
    {
        var entries = new NamespaceEntry[request.Namespaces.Count];
        for (int i = 0; i < entries.Length; i++)
        {
            string name = request.Namespaces[i];
            NamespaceEntry entry = state.Namespaces.GetOrHidden(name);
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

            entries[i] = entry;
        }

        return entries.Length == 1 ? entries : [.. entries.Distinct().OrderBy(entry => entry.Name, StringComparer.Ordinal)];
    }
}
