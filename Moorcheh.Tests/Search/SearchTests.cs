using System.Text.Json.Nodes;
using Moorcheh.Search;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Search;

/// <summary>The answer is a function of data and query: equal to brute force, in the published order.</summary>
[CancelAfter(60_000)]
internal sealed class SearchTests
{
    private TemporaryDirectory _directory = null!;
    private MoorchehStore _store = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _directory = new TemporaryDirectory();
        _store = await TestStore.OpenAsync(_directory);
    }

    [TearDown]
    public async Task CloseAsync()
    {
        await _store.DisposeAsync();
        _directory.Dispose();
    }

    [TestCase(1)]
    [TestCase(3)]
    [TestCase(16)]
    [TestCase(63)]
    [TestCase(64)]
    [TestCase(65)]
    [TestCase(384)]
    public async Task Search_Random_EqualsBruteForce(int dimension)
    {
        await CreateAsync("emb", dimension);
        VectorItem[] items = TestVectors.Items(dimension, 1000, dimension);
        await _store.StoreAsync("emb", items);
        var random = new Random(1);
        for (int query = 0; query < 20; query++)
        {
            await AssertEqualsBruteForceAsync(items, query == 0 ? items[17].Vector.ToArray() : TestVectors.Gaussian(random, dimension), 1 + (query * 5));
        }
    }

    [Test]
    public async Task Search_ManyTies_InOrderOfNamespaceThenId()
    {
        await CreateAsync("b", 3);
        await CreateAsync("a", 3);
        string[] ids = ["é", "z", "😀", "\uE000", "A", "a", "aa", "10", "9"];
        foreach (string name in (string[])["b", "a"])
        {
            await _store.StoreAsync(name, [.. ids.Select(id => new VectorItem(id, [1, 2, 3]))]);
        }

        await _store.StoreAsync("b", new VectorItem("best", [1, 1, 1]), new VectorItem("worst", [-1, -1, -1]));
        SearchResult found = await _store.SearchAsync(new SearchRequest(["b", "a", "b"], new float[] { 1, 1, 1 }) { TopK = 100 });
        string[] ordered = [.. ids.Order(StringComparer.Ordinal)];
        Assert.That(
            found.Hits.Select(hit => $"{hit.Namespace}/{hit.Id}"),
            Is.EqualTo((string[])["b/best", .. ordered.Select(id => $"a/{id}"), .. ordered.Select(id => $"b/{id}"), "b/worst"]));

        // Cut in the middle of the ties, the same order holds.
        for (int k = 1; k <= 20; k++)
        {
            SearchResult cut = await _store.SearchAsync(new SearchRequest(["a", "b"], new float[] { 1, 1, 1 }) { TopK = k });
            Assert.That(cut.Hits, Is.EqualTo(found.Hits.Take(k)));
        }
    }

    [Test]
    public async Task Search_FewerItemsThanAsked_GivesAll()
    {
        await CreateAsync("emb", 4);
        Assert.That(await _store.FindAsync(new SearchRequest("emb", [1, 2, 3, 4])), Is.Empty);
        await _store.StoreAsync("emb", TestVectors.Items(1, 3, 4));
        Assert.That(await _store.FindAsync(new SearchRequest("emb", [1, 2, 3, 4]) { TopK = 100 }), Has.Length.EqualTo(3));
    }

    [Test]
    public async Task Search_ZeroVectors_ScoreZero()
    {
        await CreateAsync("emb", 2);
        await _store.StoreAsync("emb", new VectorItem("zero", [0, -0f]), new VectorItem("far", [-1, 0]), new VectorItem("near", [1, 0]));
        SearchHit[] hits = [.. (await _store.SearchAsync(new SearchRequest("emb", [1, 0]))).Hits];
        Assert.That(hits.Select(hit => (hit.Id, hit.Cosine, hit.Score)), Is.EqualTo(new[] { ("near", 1.0, 1.0), ("zero", 0, 0), ("far", -1, 0) }));
        Assert.That((await _store.SearchAsync(new SearchRequest("emb", [0, 0]))).Hits.Select(hit => (hit.Id, hit.Score)), Is.EqualTo(new[] { ("far", 0.0), ("near", 0), ("zero", 0) }));
    }

    [TestCase(1f)]
    [TestCase(0.25f)]
    [TestCase(1024f)]
    [TestCase(7e-30f)]
    [TestCase(3e30f)]
    public async Task Search_Scaled_GivesTheSameHits(float scale)
    {
        await CreateAsync("emb", 8);
        VectorItem[] items = TestVectors.Items(3, 200, 8);
        await _store.StoreAsync("emb", items);
        float[] query = TestVectors.Gaussian(new Random(9), 8);
        string[] expected = BruteForce.Nearest(items, query, 10);
        Assert.That(await _store.FindAsync(new SearchRequest("emb", [.. query.Select(value => value * scale)])), Is.EqualTo(expected));
    }

    [Test]
    public async Task Search_HugeAndDenormalValues_StayExact()
    {
        await CreateAsync("emb", 2);
        await _store.StoreAsync(
            "emb",
            new VectorItem("huge", [float.MaxValue, float.MaxValue]),
            new VectorItem("tiny", [float.Epsilon, float.Epsilon]),
            new VectorItem("mixed", [float.MaxValue, float.Epsilon]));
        foreach (float size in (float[])[float.MaxValue, 1, float.Epsilon])
        {
            SearchHit[] hits = [.. (await _store.SearchAsync(new SearchRequest("emb", [size, size]))).Hits];
            Assert.That(hits.Select(hit => hit.Id), Is.EqualTo((string[])["huge", "tiny", "mixed"]));
            Assert.That(hits.Select(hit => hit.Cosine), Is.EqualTo((double[])[1, 1, Math.Sqrt(0.5)]).Within(1e-12));
        }
    }

    [Test]
    public async Task Search_Hit_HasScoreLabelAndMetadata()
    {
        await CreateAsync("emb", 2);
        await _store.StoreAsync("emb", new VectorItem("a", [0.9f, MathF.Sqrt(1 - 0.81f)], Metadata("k", "v")), new VectorItem("b", [0, 1]));
        SearchHit[] hits = [.. (await _store.SearchAsync(new SearchRequest("emb", [1, 0]))).Hits];
        Assert.That((hits[0].Namespace, hits[0].Text, hits[0].Metadata), Is.EqualTo(("emb", (string?)null, Metadata("k", "v"))));
        Assert.That(hits[0].Cosine, Is.EqualTo(0.9).Within(1e-6));
        Assert.That(hits[0].Score, Is.EqualTo(0.637571).Within(1e-5));
        Assert.That(hits[0].Label, Is.EqualTo("Very High Relevance"));
        Assert.That((hits[1].Score, hits[1].Label, hits[1].Metadata), Is.EqualTo((0, "Irrelevant", ItemMetadata.Empty)));
    }

    [Test]
    public async Task Search_MinimumScore_LeavesOutLowerOnes()
    {
        await CreateAsync("emb", 8);
        await _store.StoreAsync("emb", TestVectors.Items(3, 300, 8));
        float[] query = TestVectors.Gaussian(new Random(9), 8);
        SearchHit[] all = [.. (await _store.SearchAsync(new SearchRequest("emb", query) { TopK = 100 })).Hits];
        foreach (double minimum in (double[])[0, 0.2, all[4].Score, 0.99, 1])
        {
            SearchResult found = await _store.SearchAsync(new SearchRequest("emb", query) { TopK = 100, MinimumScore = minimum });
            Assert.That(found.Hits, Is.EqualTo(all.Where(hit => hit.Score >= minimum)));
        }
    }

    [Test]
    public async Task Search_BadRequests_AreRefused()
    {
        await CreateAsync("emb", 5);
        await _store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        float[] query = [1, 2, 3, 4, 5];
        await Refused(new SearchRequest("emb", Array.Empty<float>()), "empty-field", "Field 'query' must not be empty.");
        await Refused(new SearchRequest("docs", "  \t"), "empty-field", "Field 'query' must not be empty.");
        await Refused(new SearchRequest("docs", " #team:ai #x"), "empty-field", "Field 'query' has filters but no text.");
        await Refused(new SearchRequest("docs", new string('x', 8193)), "query-too-long", "Field 'query' has 8193 bytes; the limit is 8192.");
        await Refused(new SearchRequest("emb", [1, 2, 3, float.NaN, 5]), "non-finite-value", "Query value 3 is not a finite number.");
        await Refused(new SearchRequest("emb", [1, 2, 3, 4]), "dimension-mismatch", "Query has 4 values; namespace 'emb' needs 5.");
        await Refused(new SearchRequest([], query), "empty-field", "Field 'namespaces' must not be empty.");
        await Refused(
            new SearchRequest([.. Enumerable.Repeat("emb", 65)], query), "too-many-namespaces", "Field 'namespaces' has 65 entries; the limit is 64.");
        await Refused(new SearchRequest(["emb", "nope"], query), "namespace-not-found", "Namespace 'nope' not found.");
        await Refused(
            new SearchRequest("emb", "text"), "wrong-namespace-type", "Namespace 'emb' is a vector namespace; a text query needs text namespaces.");
        await Refused(
            new SearchRequest("docs", query), "wrong-namespace-type", "Namespace 'docs' is a text namespace; a vector query needs vector namespaces.");
        await Refused(
            new SearchRequest("emb", query) { MinimumScore = 1.5 }, "out-of-range", "MinimumScore must be between 0 and 1, not 1.5.");
        await Refused(new SearchRequest("emb", query) { MinimumScore = double.NaN }, "out-of-range", "MinimumScore must be between 0 and 1, not NaN.");
        await Refused(new SearchRequest("docs", "text"), "embedder-missing", "No embedding provider is configured; text queries need one.");
        Assert.That(await _store.FindAsync(new SearchRequest([.. Enumerable.Repeat("emb", 64)], query)), Is.Empty);
        foreach (int k in (int[])[0, -1, 101])
        {
            Assert.That(async () => await _store.SearchAsync(new SearchRequest("emb", query) { TopK = k }), Throws.InstanceOf<ArgumentOutOfRangeException>());
        }

        Task Refused(SearchRequest request, string code, string message) => RefusedAsync(() => _store.SearchAsync(request), code, message);
    }

    /// <summary>Uploads in another order, in other batches, with updates and deletes between, and after a restart: bit for bit the same answer.</summary>
    [Test]
    public async Task Search_SameDataByAnotherRoad_IsIdentical()
    {
        VectorItem[] items = TestVectors.Items(3, 600, 16);
        items = [.. items, .. items.Take(50).Select((item, i) => new VectorItem($"twin{i}", item.Vector))];
        await CreateAsync("emb", 16);
        await _store.StoreAsync("emb", items);
        float[][] queries = [.. Enumerable.Range(0, 10).Select(i => i == 0 ? items[3].Vector.ToArray() : TestVectors.Gaussian(new Random(i), 16))];
        var expected = new List<IReadOnlyList<SearchHit>>();
        foreach (float[] query in queries)
        {
            expected.Add((await _store.SearchAsync(new SearchRequest("emb", query) { TopK = 100 })).Hits);
        }

        using var directory = new TemporaryDirectory();
        await using (MoorchehStore other = await TestStore.OpenAsync(directory))
        {
            await other.CreateNamespaceAsync("emb", NamespaceKind.Vector, 16);
            var random = new Random(77);
            await other.StoreAsync("emb", TestVectors.Items(4, 300, 16)); // Old versions, replaced below.
            await other.StoreAsync("emb", TestVectors.Items(5, 100, 16, "gone"));
            VectorItem[] shuffled = [.. items.OrderBy(_ => random.Next())];
            for (int from = 0; from < shuffled.Length;)
            {
                int count = Math.Min(random.Next(1, 90), shuffled.Length - from);
                await other.StoreAsync("emb", shuffled[from..(from + count)]);
                from += count;
            }

            await other.DeleteItemsAsync("emb", [.. Enumerable.Range(0, 100).Select(i => $"gone{i}")]);
            await CheckAsync(other);
        }

        await using MoorchehStore reopened = await TestStore.OpenAsync(directory);
        await CheckAsync(reopened);

        async Task CheckAsync(MoorchehStore store)
        {
            for (int i = 0; i < queries.Length; i++)
            {
                Assert.That((await store.SearchAsync(new SearchRequest("emb", queries[i]) { TopK = 100 })).Hits, Is.EqualTo(expected[i]));
            }
        }
    }

    [TestCase("""{"n":1}""", "one,one-point-zero,many")]
    [TestCase("""{"n":1.0}""", "one,one-point-zero,many")]
    [TestCase("""{"n":10e-1}""", "one,one-point-zero,many")]
    [TestCase("""{"n":"1"}""", "string")]
    [TestCase("""{"n":null}""", "null")]
    [TestCase("""{"n":true}""", "true")]
    [TestCase("""{"n":1,"s":"AI"}""", "many")]
    [TestCase("""{"s":"ai"}""", "")]
    [TestCase("""{"o":{"b":2,"a":1}}""", "nested")]
    [TestCase("""{"o":{"a":1}}""", "")]
    [TestCase("""{"a":[1,2]}""", "array")]
    [TestCase("""{"a":[2,1]}""", "")]
    [TestCase("""{"N":1}""", "")]
    [TestCase("""{}""", "array,many,nested,none,null,one,one-point-zero,string,true")]
    public async Task Search_MetadataFilter_IsJsonEquality(string filter, string expected)
    {
        await CreateAsync("emb", 2);
        (string Id, string Json)[] items =
        [
            ("one", """{"n":1}"""), ("one-point-zero", """{"n":1.0}"""), ("string", """{"n":"1"}"""), ("null", """{"n":null}"""), ("true", """{"n":true}"""),
            ("many", """{"s":"AI","n":1}"""), ("nested", """{"o":{"a":1,"b":2}}"""), ("array", """{"a":[1,2]}"""), ("none", "{}"),
        ];
        await _store.StoreAsync("emb", [.. items.Select(item => new VectorItem(item.Id, new float[] { 1, 2 }, ItemMetadata.Parse(item.Json)))]);
        string[] found = await _store.FindAsync(new SearchRequest("emb", [1, 2]) { Metadata = ItemMetadata.Parse(filter) });
        Assert.That(string.Join(",", found), Is.EqualTo(string.Join(",", expected.Split(',').Order(StringComparer.Ordinal))));
    }

    [Test]
    public async Task Search_MetadataFilter_AppliesBeforeTopK()
    {
        await CreateAsync("emb", 8);
        VectorItem[] items = [.. TestVectors.Items(1, 500, 8).Select((item, i) => item with { Metadata = new JsonObject { ["m"] = i % 7 } })];
        await _store.StoreAsync("emb", items);
        float[] query = TestVectors.Gaussian(new Random(4), 8);
        string[] found = await _store.FindAsync(new SearchRequest("emb", query) { Metadata = Metadata("m", 3), TopK = 20 });
        Assert.That(found, Is.EqualTo(BruteForce.Nearest(items.Where((_, i) => i % 7 == 3), query, 20)));
    }

    private Task<NamespaceInfo> CreateAsync(string name, int dimension) => _store.CreateNamespaceAsync(name, NamespaceKind.Vector, dimension);

    private async Task AssertEqualsBruteForceAsync(VectorItem[] items, float[] query, int top)
    {
        SearchResult found = await _store.SearchAsync(new SearchRequest("emb", query) { TopK = top });
        Dictionary<string, VectorItem> byId = items.ToDictionary(item => item.Id);
        if (query.Length > 1)
        {
            Assert.That(found.Hits.Select(hit => hit.Id), Is.EqualTo(BruteForce.Nearest(items, query, top)));
        }

        foreach (SearchHit hit in found.Hits)
        {
            double cosine = BruteForce.Cosine(query, byId[hit.Id].Vector.Span);
            Assert.That(hit.Cosine, Is.EqualTo(cosine).Within(1e-12));
            Assert.That(hit.Score, Is.EqualTo(ItsScore.FromCosine(cosine)).Within(0.00001));
            Assert.That(hit.Label, Is.EqualTo(ItsScore.Label(hit.Score)));
        }
    }
}
