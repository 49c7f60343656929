using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Search;

/// <summary>
/// Keyword and hybrid searches give the oracle's hits, order, scores and words, whatever happened to the texts before: replaced, deleted, moved by a checkpoint,
/// read back after a restart.
/// </summary>
[CancelAfter(120_000)]
internal sealed class SearchModeTests
{
    private const int Dimension = 48;
    private static readonly string[] Namespaces = ["alpha", "beta"];

    private static readonly string[] Vocabulary =
    [
        .. Enumerable.Range(0, 150).Select(i => $"word{i}"), "The", "the", "THE", "日本語", "日本", "東京都", "snake_case", "7", "naïve", "Straße", "กินข้าว",
    ];

    [TestCase(1)]
    [TestCase(2)]
    public async Task Search_RandomHistory_EqualsTheOracle(int seed)
    {
        using var directory = new TemporaryDirectory();
        using var embedder = new TestEmbedder(Dimension);
        var random = new Random(seed);
        Dictionary<(string, string), OracleText> texts = [];
        MoorchehStore store = await TestStore.OpenAsync(directory, Options(embedder));
        try
        {
            foreach (string name in Namespaces)
            {
                await store.CreateNamespaceAsync(name, NamespaceKind.Text);
            }

            for (int round = 0; round < 4; round++)
            {
                await ChangeAsync(store, texts, random);
                await AssertAsync(store, new WordOracle([.. texts.Values], Dimension), random, round);
                await store.CheckpointAsync(Token);
                if (round % 2 == 1)
                {
                    await store.DisposeAsync();
                    store = await TestStore.OpenAsync(directory, Options(embedder));
                    await AssertAsync(store, new WordOracle([.. texts.Values], Dimension), random, round);
                }
            }
        }
        finally
        {
            await store.DisposeAsync();
        }
    }

    [Test]
    public async Task Search_Filter_LeavesRawScores()
    {
        using var directory = new TemporaryDirectory();
        using var embedder = new TestEmbedder(Dimension);
        await using MoorchehStore store = await TestStore.OpenAsync(directory, Options(embedder));
        Dictionary<(string, string), OracleText> texts = [];
        await store.CreateNamespaceAsync("alpha", NamespaceKind.Text);
        await store.CreateNamespaceAsync("beta", NamespaceKind.Text);
        await ChangeAsync(store, texts, new Random(9));
        foreach (SearchMode mode in (SearchMode[])[SearchMode.Keyword, SearchMode.Hybrid])
        {
            var all = new SearchRequest(Namespaces, "word1 the 日本") { Mode = mode, TopK = 100 };
            var some = new SearchRequest(Namespaces, "word1 the 日本 #team:red") { Mode = mode, TopK = 100 };
            Dictionary<(string, string), SearchHit> before = (await store.SearchAsync(all, Token)).Hits.ToDictionary(hit => (hit.Namespace, hit.Id));
            int both = 0;
            foreach (SearchHit hit in (await store.SearchAsync(some, Token)).Hits)
            {
                if (before.TryGetValue((hit.Namespace, hit.Id), out SearchHit? same))
                {
                    both++;
                    Assert.That((hit.KeywordScore, hit.SemanticScore), Is.EqualTo((same.KeywordScore, same.SemanticScore)));
                    Assert.That(hit.Score, mode == SearchMode.Keyword ? Is.EqualTo(same.Score) : Is.InRange(0, 1));
                }
            }

            Assert.That(both, Is.GreaterThan(5));
        }
    }

    [Test]
    public async Task SearchKeyword_NoEmbedderOrAnother_NeedsNone()
    {
        using var directory = new TemporaryDirectory();
        using var embedder = new TestEmbedder(Dimension);
        await using (MoorchehStore store = await TestStore.OpenAsync(directory, Options(embedder)))
        {
            await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
            await store.StoreAsync("docs", new Document("a", "a quick fox"), new Document("b", "a slow fox"));
            embedder.FailNextCalls(1);
            SearchHit hit = (await store.SearchAsync(new SearchRequest("docs", "quick") { Mode = SearchMode.Keyword }, Token)).Hits.Single();
            Assert.That((hit.Id, hit.Score, hit.SemanticScore, hit.Label), Is.EqualTo(("a", 1.0, (double?)null, "")));

            // One that does not answer is not waited for.
            embedder.Block();
            var slow = new SearchRequest("docs", "slow") { Mode = SearchMode.Keyword };
            Assert.That((await store.SearchAsync(slow, Token)).Hits.Select(found => (found.Id, found.SemanticScore)), Is.EqualTo(((string, double?)[])[("b", null)]));
            Assert.That((await store.SearchBatchAsync([slow], Token))[0].Hits.Select(found => found.Id), Is.EqualTo((string[])["b"]));
            embedder.Release();
        }

        using var other = new TestEmbedder(Dimension + 1, model: "other");
        foreach (TestEmbedder? now in (TestEmbedder?[])[null, other])
        {
            await using MoorchehStore store = await TestStore.OpenAsync(directory, Options(now));
            var request = new SearchRequest("docs", "FOX slow") { Mode = SearchMode.Keyword };
            SearchResult found = await store.SearchAsync(request, Token);
            Assert.That(found.Hits.Select(hit => (hit.Id, hit.SemanticScore, hit.Cosine)), Is.EqualTo(((string, double?, double)[])[("b", null, 0), ("a", null, 0)]));
            Assert.That(found.Hits[0].MatchedWords, Is.EqualTo((string[])["fox", "slow"]));
            Assert.That((await store.SearchBatchAsync([request, request], Token))[1].Hits.Select(hit => hit.Id), Is.EqualTo((string[])["b", "a"]));
            Assert.That(other.Calls, Is.Empty);
        }
    }

    [Test]
    public async Task Search_WrongMode_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        using var embedder = new TestEmbedder(Dimension);
        await using MoorchehStore store = await TestStore.OpenAsync(directory, Options(embedder));
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        await RefusedAsync(
            () => store.SearchAsync(new SearchRequest("emb", [1, 2]) { Mode = SearchMode.Hybrid }),
            ErrorCodes.OutOfRange,
            "Mode 'Hybrid' looks for words and needs a text query; a vector query has mode 'Semantic' only.");
        await RefusedAsync(() => store.SearchAsync(new SearchRequest("emb", "x") { Mode = SearchMode.Keyword }), ErrorCodes.WrongNamespaceType);
        await RefusedAsync(
            () => store.SearchAsync(new SearchRequest("docs", "x") { KeywordWeight = double.NaN }),
            ErrorCodes.OutOfRange,
            "KeywordWeight must be between 0 and 1, not NaN.");
        await RefusedAsync(() => store.SearchAsync(new SearchRequest("docs", "x") { KeywordWeight = 1.01 }), ErrorCodes.OutOfRange);
        Assert.That(
            () => store.SearchAsync(new SearchRequest("docs", "x") { Mode = (SearchMode)7 }), Throws.InstanceOf<ArgumentOutOfRangeException>());
        foreach (SearchMode mode in Enum.GetValues<SearchMode>())
        {
            Assert.That((await store.SearchAsync(new SearchRequest("docs", "x") { Mode = mode }, Token)).Hits, Is.Empty);
        }
    }

    [Test]
    public async Task Search_QueryWithoutWords_FindsByMeaningOnly()
    {
        using var directory = new TemporaryDirectory();
        using var embedder = new TestEmbedder(Dimension);
        await using MoorchehStore store = await TestStore.OpenAsync(directory, Options(embedder));
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await store.StoreAsync("docs", new Document("a", "--- +++"), new Document("b", "***"));
        Assert.That((await store.SearchAsync(new SearchRequest("docs", "+++") { Mode = SearchMode.Keyword }, Token)).Hits, Is.Empty);
        SearchHit[] hits = [.. (await store.SearchAsync(new SearchRequest("docs", "+++") { Mode = SearchMode.Hybrid }, Token)).Hits];
        Assert.That(hits.Select(hit => (hit.Id, hit.Score, hit.KeywordScore)), Is.EqualTo(((string, double, double?)[])[("a", 0.6, 0), ("b", 0, 0)]));
    }

    private static async Task ChangeAsync(MoorchehStore store, Dictionary<(string, string), OracleText> texts, Random random)
    {
        foreach (string name in Namespaces)
        {
            List<Document> documents = [];
            foreach (int number in Enumerable.Range(0, 400).OrderBy(_ => random.Next()).Take(220))
            {
                int length = random.Next(1, 30);
                string text = string.Join(random.Next(2) == 0 ? " " : ", ", Enumerable.Range(0, length).Select(_ => Vocabulary[Skewed(random)]));
                string team = random.Next(4) == 0 ? "red" : "blue";
                texts[(name, $"d{number}")] = new OracleText(name, $"d{number}", text, team);
                documents.Add(new Document($"d{number}", text, new JsonObject { ["team"] = team }));
            }

            await store.StoreAsync(name, [.. documents]);
            string[] deleted = [.. Enumerable.Range(0, 400).Where(_ => random.Next(10) == 0).Select(number => $"d{number}")];
            await store.DeleteItemsAsync(name, deleted, Token);
            foreach (string id in deleted)
            {
                texts.Remove((name, id));
            }
        }
    }

    private static int Skewed(Random random) => (int)(Math.Pow(random.NextDouble(), 2) * Vocabulary.Length);

    private static async Task AssertAsync(MoorchehStore store, WordOracle oracle, Random random, int round)
    {
        List<SearchRequest> requests = [];
        List<OracleHit[]> expected = [];
        for (int i = 0; i < 12; i++)
        {
            string text = string.Join(' ', Enumerable.Range(0, 1 + (i % 5)).Select(_ => Vocabulary[Skewed(random)]));
            SearchMode mode = i % 2 == 0 ? SearchMode.Keyword : SearchMode.Hybrid;
            int top = i % 3 == 0 ? 30 : 10;
            double weight = i % 4 == 1 ? SearchRequest.DefaultKeywordWeight : random.Next(11) / 10.0;
            string[] names = i % 6 == 5 ? ["beta"] : Namespaces;
            bool isFiltered = i % 4 >= 2;
            if (names.Length == 1)
            {
                continue; // The statistics are those of the named namespaces: another oracle.
            }

            var request = new SearchRequest(names, isFiltered ? text + " #team:red" : text)
            {
                Mode = mode,
                TopK = top,
                KeywordWeight = weight,
                Threads = 1 + (i % 2),
            };
            OracleHit[] hits = oracle.Search(text, mode, top, weight, item => !isFiltered || item.Team == "red");
            Assert.That(HitsOf(await store.SearchAsync(request, Token)), Is.EqualTo(hits), $"round {round}, {mode} '{request.Text}'");
            await AssertPinnedAsync(store, request, hits);
            requests.Add(request);
            expected.Add(hits);
        }

        IReadOnlyList<SearchResult> batch = await store.SearchBatchAsync(requests, Token);
        Assert.That(batch.Select(HitsOf), Is.EqualTo(expected));
    }

    private static async Task AssertPinnedAsync(MoorchehStore store, SearchRequest request, OracleHit[] expected)
    {
        using PinnedItems items = new PinnedItems(store);
        SearchResult found = await store.SearchAsync(request, items, Token);
        Assert.That(HitsOf(found), Is.EqualTo(expected));
        for (int i = 0; i < expected.Length; i++)
        {
            StoredItem item = await items.ReadAsync(i);
            Assert.That(System.Text.Encoding.UTF8.GetString(item.Id.Span), Is.EqualTo(expected[i].Id));
        }
    }

    private static OracleHit[] HitsOf(SearchResult found) =>
    [
        .. found.Hits.Select(hit => new OracleHit(
            hit.Namespace, hit.Id, hit.Score, hit.SemanticScore, hit.KeywordScore!.Value, string.Join(' ', hit.MatchedWords))),
    ];
}
