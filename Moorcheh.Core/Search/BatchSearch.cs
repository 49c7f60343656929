using System.Diagnostics;
using Moorcheh.Index;
using Moorcheh.Namespaces;
using Moorcheh.Pipelines;
using Moorcheh.Search.Filters;

namespace Moorcheh.Search;

/// <summary>Many searches: one call of the embedder for all, one pass over the codes for every four that look for the same items.</summary>
internal sealed class BatchSearch(SearchPipeline search)
{
    public async Task<IReadOnlyList<SearchResult>> SearchAsync(IReadOnlyList<SearchRequest> requests, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        if (requests.Count > SearchRequest.MaxBatch)
        {
            throw new ArgumentException($"There are {requests.Count} searches; the limit is {SearchRequest.MaxBatch}.", nameof(requests));
        }

        cancellationToken.ThrowIfCancellationRequested();
        var queries = new Query[requests.Count];
        for (int i = 0; i < queries.Length; i++)
        {
            SearchRequest request = requests[i] ?? throw new ArgumentException($"Query {i} is null.", nameof(requests));
            (QueryText? text, NamespaceEntry[] sources) = Blame(i, () => search.Check(request));
            queries[i] = new Query(i, request, text, sources) { Vector = request.Vector };
        }

        await EmbedAsync(queries, cancellationToken).ConfigureAwait(false);
        long prepared = Stopwatch.GetTimestamp();
        var results = new SearchResult[queries.Length];
        foreach (List<Query> group in Group(queries))
        {
            await RunAsync(group, results, start, prepared, cancellationToken).ConfigureAwait(false);
        }

        return results;
    }

    /// <summary>Searches that may share a pass, in the order of their first queries.</summary>
    private static List<List<Query>> Group(Query[] queries)
    {
        List<List<Query>> groups = [];
        foreach (Query query in queries)
        {
            List<Query>? group = groups.Find(group => group[0].LooksWhere(query));
            if (group is null)
            {
                groups.Add([query]);
            }
            else
            {
                group.Add(query);
            }
        }

        return groups;
    }

    private static T Blame<T>(int query, Func<T> check)
    {
        try
        {
            return check();
        }
        catch (MoorchehException e)
        {
            throw new MoorchehException(e.Code, $"Query {query}: {e.Message}", e)
            {
                Facts = new Dictionary<string, object>(e.Facts) { ["Query"] = query },
            };
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new ArgumentOutOfRangeException($"Query {query}: {e.Message}", e);
        }
    }

    private async Task EmbedAsync(Query[] queries, CancellationToken cancellationToken)
    {
        Query[] texts = [.. queries.Where(query => query.Text is not null && (!query.IsKeyword || search.CanEmbed(query.Sources)))];
        if (texts.Length == 0)
        {
            return;
        }

        Embedder? embedder = null;
        foreach (Query query in texts)
        {
            embedder = Blame(query.Index, () => search.CheckEmbedder(query.Sources));
        }

        string[] distinct = [.. texts.Select(query => query.Text!.Text).Distinct(StringComparer.Ordinal)];
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bool isKeyword = Array.TrueForAll(texts, query => query.IsKeyword);
        if (isKeyword)
        {
            stop.CancelAfter(SearchPipeline.KeywordPatience);
        }

        List<EmbeddedText> embedded;
        try
        {
            embedded = await embedder!.EmbedQueriesAsync(distinct, stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (isKeyword && !cancellationToken.IsCancellationRequested)
        {
            return;
        }

        Dictionary<string, EmbeddedText> byText = distinct.Zip(embedded).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
        foreach (Query query in texts)
        {
            EmbeddedText found = byText[query.Text!.Text];
            if (query.IsKeyword && (found.Error is not null || !search.CanEmbed(query.Sources)))
            {
                continue; // It only tells less of its hits.
            }

            query.Vector = Blame(query.Index, () =>
            {
                ReadOnlyMemory<float> vector = Embedder.VectorOf(found);
                search.CheckEmbedder(query.Sources); // A generator that does not declare its dimension shows it with its first vector.
                return vector;
            });
        }
    }

    private async Task RunAsync(List<Query> group, SearchResult[] results, long start, long prepared, CancellationToken cancellationToken)
    {
        ItemFilter? filter = ItemFilter.Create(group[0].Conditions);
        SearchScope scope = SearchPipeline.ScopeOf(group[0].Request, group[0].Sources, group[0].Vector);
        scope.TakeSnapshots();
        var plans = new SearchPlan[group.Count];
        for (int i = 0; i < plans.Length; i++)
        {
            plans[i] = new SearchPlan(group[i].Request, filter, group[i].Vector, scope)
            {
                Words = SearchPipeline.WordsOf(group[i].Request, group[i].Text),
            };
        }

        ulong[]?[]? masks = await search.MasksAsync(plans[0], 1, cancellationToken).ConfigureAwait(false);
        long masked = Stopwatch.GetTimestamp();
        for (int first = 0; first < plans.Length; first += QueryTile.MaxQueries)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(QueryTile.MaxQueries, plans.Length - first);
            CandidateSet? candidates = group[0].IsKeyword ? null : CandidateSet.Find(plans.AsSpan(first, count), masks);
            using IDisposable? _ = candidates;
            var clock = new SearchClock(start, prepared, masked, Stopwatch.GetTimestamp());
            for (int i = 0; i < count; i++)
            {
                SearchPlan plan = plans[first + i];

                // A search that needs newer snapshots goes on alone; the others keep theirs.
                results[group[first + i].Index] =
                    await search.RankAsync(plan, candidates, i, masks, clock, 1, cancellationToken).ConfigureAwait(false)
                    ?? await search.RunAsync(plan.Alone(), 2, start, prepared, cancellationToken).ConfigureAwait(false);
            }

            masked = Stopwatch.GetTimestamp();
        }
    }

    private sealed class Query(int index, SearchRequest request, QueryText? text, NamespaceEntry[] sources)
    {
        public int Index { get; } = index;

        public SearchRequest Request { get; } = request;

        public QueryText? Text { get; } = text;

        public bool IsKeyword => Request.Mode == SearchMode.Keyword;

        public FilterConditions Conditions { get; } = FilterConditions.Of(request.Metadata, request.Filter, text);

        public NamespaceEntry[] Sources { get; } = sources;

        public ReadOnlyMemory<float> Vector { get; set; }

        /// <summary>True when another search goes over the same slots in the same way.</summary>
        public bool LooksWhere(Query other) =>
            Request.Threads == other.Request.Threads
            && (Request.Guarantee == SearchGuarantee.Absolute) == (other.Request.Guarantee == SearchGuarantee.Absolute)
            && Vector.Length == other.Vector.Length
            && IsKeyword == other.IsKeyword
            && Sources.AsSpan().SequenceEqual(other.Sources)
            && Conditions == other.Conditions;
    }
}
