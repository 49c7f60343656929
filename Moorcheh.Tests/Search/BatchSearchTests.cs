using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Search;

/// <summary>
/// A batch gives what single calls give. The namespaces hold more than a tile of blocks and have dead slots, twins give ties, and the batch sizes stand on both
/// sides of the four queries that share a pass.
/// </summary>
[CancelAfter(120_000)]
internal sealed class BatchSearchTests
{
    private const int Dimension = 48;

    private static readonly string[] Both = ["a", "b"];

    private TemporaryDirectory _directory = null!;
    private TestEmbedder _embedder = null!;
    private MoorchehStore _store = null!;
    private Dictionary<string, VectorItem[]> _items = null!;

    [OneTimeSetUp]
    public async Task OpenAsync()
    {
        _directory = new TemporaryDirectory();
        _embedder = new TestEmbedder(64);
        _store = await TestStore.OpenAsync(_directory, Options(_embedder));
        _items = [];
        foreach ((string name, int count) in ((string, int)[])[("a", 5000), ("b", 700), ("empty", 0)])
        {
            await _store.CreateNamespaceAsync(name, NamespaceKind.Vector, Dimension);
            VectorItem[] items =
            [
                .. TestVectors.Items(count + 1, count, Dimension, name).Select((item, i) => item with { Metadata = new JsonObject { ["m"] = i % 100 } }),
            ];
            items = [.. items, .. items.Take(20).Select((item, i) => item with { Id = $"twin{i}" })];
            if (items.Length > 0)
            {
                await _store.StoreAsync(name, items);
                await _store.DeleteItemsAsync(name, [.. items.Take(90).Skip(40).Select(item => item.Id)]);
            }

            _items[name] = [.. items.Where((_, i) => i is < 40 or >= 90)];
        }

        await _store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await _store.StoreAsync("docs", [.. Enumerable.Range(0, 300).Select(i => new Document($"d{i}", $"text {i % 17} of {i % 29} words {i % 5}"))]);
    }

    [OneTimeTearDown]
    public async Task CloseAsync()
    {
        await _store.DisposeAsync();
        _embedder.Dispose();
        _directory.Dispose();
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    [TestCase(4)]
    [TestCase(5)]
    [TestCase(8)]
    [TestCase(9)]
    public async Task SearchBatch_SameNamespace_EqualsBruteForceAndSingleCalls(int count)
    {
        float[][] queries = Queries(count, count);
        await AssertEqualsSingleCallsAsync([.. queries.Select(query => new SearchRequest("a", query))]);
        IReadOnlyList<SearchResult> found = await _store.SearchBatchAsync([.. queries.Select(query => new SearchRequest("a", query))]);
        for (int i = 0; i < count; i++)
        {
            Assert.That(found[i].Hits.Select(hit => hit.Id), Is.EqualTo(BruteForce.Nearest(_items["a"], queries[i], 10)), $"query {i}");
        }
    }

    [TestCase(SearchGuarantee.Fast, 1)]
    [TestCase(SearchGuarantee.Certified, 1)]
    [TestCase(SearchGuarantee.Absolute, 1)]
    [TestCase(SearchGuarantee.Certified, 2)]
    [TestCase(SearchGuarantee.Absolute, 3)]
    public Task SearchBatch_SeveralNamespaces_EqualsSingleCalls(SearchGuarantee guarantee, int threads) => AssertEqualsSingleCallsAsync(
    [
        .. Queries(11, 7).Select((query, i) => new SearchRequest(i % 2 == 0 ? Both : ["b", "empty", "a"], query)
        {
            Guarantee = guarantee,
            Threads = threads,
            TopK = 1 + (i * 14),
        }),
    ]);

    /// <summary>Neighbours in the batch differ in everything, so that what is shared and what is not must be told apart.</summary>
    [Test]
    public async Task SearchBatch_MixedRequests_EqualsSingleCalls()
    {
        var random = new Random(3);
        float[][] queries = Queries(5, 120);
        SearchRequest[] requests =
        [
            .. queries.Select((query, i) => random.Next(4) == 0
                ? new SearchRequest("docs", $"text {i % 6} words" + (random.Next(2) == 0 ? " #3" : string.Empty)) { TopK = 20 }
                : new SearchRequest(random.Next(3) switch { 0 => Both, 1 => ["a"], _ => ["empty"] }, query)
                {
                    Guarantee = (SearchGuarantee)random.Next(3),
                    TopK = random.Next(1, 101),
                    Threads = random.Next(1, 3),
                    MinimumScore = random.Next(3) == 0 ? 0.05 : null,
                    Metadata = random.Next(3) switch { 0 => null, 1 => TestStore.Metadata("m", 7), _ => TestStore.Metadata("m", 8.0) },
                }),
        ];
        await AssertEqualsSingleCallsAsync(requests);
    }

    [Test]
    public async Task SearchBatch_Filter_EqualsBruteForceOverMatchingItems()
    {
        float[][] queries = Queries(8, 6);
        IReadOnlyList<SearchResult> found = await _store.SearchBatchAsync(
            [.. queries.Select(query => new SearchRequest("a", query) { Metadata = new JsonObject { ["m"] = 7 } })]);
        VectorItem[] matching = [.. _items["a"].Where(item => item.Metadata!.ToString().Contains("\"m\":7}", StringComparison.Ordinal))];
        Assert.That(matching, Has.Length.EqualTo(51));
        for (int i = 0; i < queries.Length; i++)
        {
            Assert.That(found[i].Hits.Select(hit => hit.Id), Is.EqualTo(BruteForce.Nearest(matching, queries[i], 10)));
        }
    }

    [Test]
    public async Task SearchBatch_Texts_AreEmbeddedInOneCallEachOnce()
    {
        int calls = _embedder.Calls.Count;
        await _store.SearchBatchAsync([new("docs", "text one"), new("docs", "words #3"), new("docs", "text one #4"), new("docs", "words")]);
        Assert.That(_embedder.Calls.Skip(calls).Single(), Is.EqualTo((string[])["text one", "words"]));
    }

    [Test]
    public async Task SearchBatch_EmbedderFails_NamesTheQuery()
    {
        _embedder.FailNextCalls(1);
        MoorchehException refusal = await RefusedAsync(
            () => _store.SearchBatchAsync([new SearchRequest("a", new float[Dimension]), new SearchRequest("docs", "x")]), "embedder-failed");
        Assert.That(refusal.Message, Does.StartWith("Query 1: Embedding the query failed:"));
        Assert.That(refusal.Facts["Query"], Is.EqualTo(1));
    }

    [Test]
    public async Task SearchBatch_BadRequest_IsRefusedByItsNumberBeforeAnyWork()
    {
        int calls = _embedder.Calls.Count;
        SearchRequest good = new("docs", "text");
        float[] query = new float[Dimension];
        await RefusedAsync(
            () => _store.SearchBatchAsync([good, new("a", [1, 2])]), "dimension-mismatch", $"Query 1: Query has 2 values; namespace 'a' needs {Dimension}.");
        await RefusedAsync(
            () => _store.SearchBatchAsync([good, good, new("nope", query)]), "namespace-not-found", "Query 2: Namespace 'nope' not found.");
        Assert.That(
            async () => await _store.SearchBatchAsync([good, new("a", query) { TopK = 101 }]),
            Throws.InstanceOf<ArgumentOutOfRangeException>().With.Message.StartsWith("Query 1: "));
        Assert.That(async () => await _store.SearchBatchAsync([good, null!]), Throws.ArgumentException.With.Message.StartsWith("Query 1 is null."));
        Assert.That(async () => await _store.SearchBatchAsync(null!), Throws.ArgumentNullException);
        Assert.That(
            async () => await _store.SearchBatchAsync([.. Enumerable.Repeat(good, SearchRequest.MaxBatch + 1)]),
            Throws.ArgumentException.With.Message.Contains("1025").And.Message.Contains("1024"));
        Assert.That(_embedder.Calls, Has.Count.EqualTo(calls));
        Assert.That(await _store.SearchBatchAsync([.. Enumerable.Repeat(good, SearchRequest.MaxBatch)]), Has.Count.EqualTo(SearchRequest.MaxBatch));
    }

    [Test]
    public void SearchBatch_Cancelled_Throws()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.That(
            async () => await _store.SearchBatchAsync([new SearchRequest("a", new float[Dimension])], cancelled.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task SearchBatch_CancelledWhileEmbedding_Throws()
    {
        using var source = new CancellationTokenSource();
        _embedder.OnCall = _ => source.Cancel();
        try
        {
            await _store.SearchBatchAsync([new SearchRequest("docs", "x"), new SearchRequest("docs", "y")], source.Token);
            Assert.Fail("The call was not cancelled.");
        }
        catch (OperationCanceledException e)
        {
            Assert.That(e.CancellationToken, Is.EqualTo(source.Token));
        }
        finally
        {
            _embedder.OnCall = null;
        }
    }

    /// <summary>While items are replaced all the time, records of the batch's snapshots go away; every answer must still be complete.</summary>
    [Test]
    public async Task SearchBatch_UnderUpdates_IsAlwaysComplete()
    {
        await _store.CreateNamespaceAsync("busy", NamespaceKind.Vector, Dimension);
        VectorItem[] items = TestVectors.Items(77, 300, Dimension);
        await _store.StoreAsync("busy", items);
        using var stop = new CancellationTokenSource();
        Task writer = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await _store.StoreAsync("busy", items);
            }
        });
        float[][] queries = Queries(4, 9);
        for (int round = 0; round < 20; round++)
        {
            IReadOnlyList<SearchResult> found = await _store.SearchBatchAsync([.. queries.Select(query => new SearchRequest("busy", query) { TopK = 100 })]);
            for (int i = 0; i < queries.Length; i++)
            {
                Assert.That(found[i].Hits.Select(hit => hit.Id), Is.EqualTo(BruteForce.Nearest(items, queries[i], 100)));
            }
        }

        await stop.CancelAsync();
        await writer;
    }

    private static float[][] Queries(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(i => i == 1 ? new float[Dimension] : TestVectors.Gaussian(random, Dimension))];
    }

    private async Task AssertEqualsSingleCallsAsync(SearchRequest[] requests)
    {
        IReadOnlyList<SearchResult> found = await _store.SearchBatchAsync(requests);
        Assert.That(found, Has.Count.EqualTo(requests.Length));
        for (int i = 0; i < requests.Length; i++)
        {
            SearchResult single = await _store.SearchAsync(requests[i]);
            Assert.That(found[i].Hits, Is.EqualTo(single.Hits), $"query {i}");
            Assert.That((found[i].Guarantee, found[i].Work), Is.EqualTo((single.Guarantee, single.Work)), $"query {i}");
        }
    }
}
