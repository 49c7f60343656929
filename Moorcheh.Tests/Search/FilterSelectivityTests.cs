using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Search;

/// <summary>
/// However few items a filter lets through, the hits are the nearest of exactly these, and as many as were asked for: 0.1 % of the items
/// are still more than k. Items that match lie anywhere among the blocks, and half of them have been replaced.
/// </summary>
[CancelAfter(120_000)]
internal sealed class FilterSelectivityTests
{
    private const int Count = 12_000;
    private const int Dimension = 48;
    private const int Queries = 4;

    // One item of so many.
    private static readonly int[] Shares = [1000, 100, 10, 2];

    private TemporaryDirectory _directory = null!;
    private TestEmbedder _embedder = null!;
    private MoorchehStore _store = null!;
    private int[] _lots = [];
    private VectorItem[] _items = [];
    private VectorItem[] _texts = [];

    [OneTimeSetUp]
    public async Task OpenAsync()
    {
        _directory = new TemporaryDirectory();
        _embedder = new TestEmbedder(Dimension);
        _store = await TestStore.OpenAsync(_directory, Options(_embedder));
        _lots = [.. Enumerable.Range(0, Count)];
        new Random(1).Shuffle(_lots);

        // Every second one is replaced, by a vector that is elsewhere and metadata that match something else.
        await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension, Token);
        _items = [.. TestVectors.Items(2, Count, Dimension).Select((item, i) => item with { Metadata = MetadataOf(_lots[i]) })];
        await _store.StoreAllAsync("emb", [.. TestVectors.Items(3, Count, Dimension).Where((_, i) => i % 2 == 0).Select(item => item with { Metadata = MetadataOf(0) })]);
        await _store.StoreAllAsync("emb", _items);

        await _store.CreateNamespaceAsync("docs", NamespaceKind.Text, cancellationToken: Token);
        var random = new Random(4);
        Document[] documents = [.. _lots.Select((lot, i) => new Document($"d{i}", TextOf(lot, random)))];
        foreach (Document[] part in documents.Chunk(Count / 4))
        {
            await _store.StoreAsync("docs", part);
        }

        _texts = [.. documents.Select(document => new VectorItem(document.Id, TestEmbedder.Embed(document.Text, Dimension)))];
    }

    [OneTimeTearDown]
    public async Task CloseAsync()
    {
        await _store.DisposeAsync();
        _embedder.Dispose();
        _directory.Dispose();
    }

    [TestCaseSource(nameof(Shares))]
    public async Task Search_Metadata_EqualsBruteForceOverMatchingItems(int share)
    {
        var random = new Random(5);
        foreach (int _ in Enumerable.Range(0, Queries))
        {
            float[] query = TestVectors.Gaussian(random, Dimension);
            var request = new SearchRequest("emb", query) { Metadata = new JsonObject { [$"one of {share}"] = true } };
            await AssertFilteredAsync(request, query, _items, share);
        }
    }

    [TestCaseSource(nameof(Shares))]
    public async Task Search_Keyword_EqualsBruteForceOverMatchingItems(int share)
    {
        var random = new Random(6);
        foreach (int _ in Enumerable.Range(0, Queries))
        {
            string text = Words(random);
            var request = new SearchRequest("docs", $"{text} #share{share}");
            await AssertFilteredAsync(request, TestEmbedder.Embed(text, Dimension), _texts, share);
        }
    }

    private async Task AssertFilteredAsync(SearchRequest request, float[] query, VectorItem[] items, int share)
    {
        VectorItem[] matching = [.. items.Where((_, i) => _lots[i] % share == 0)];
        ExpectedHit[] expected = new Oracle(matching).Nearest(query, request.TopK);
        Assert.That(expected, Has.Length.EqualTo(request.TopK));
        foreach (SearchGuarantee guarantee in (SearchGuarantee[])[SearchGuarantee.Certified, SearchGuarantee.Absolute])
        {
            SearchRequest exact = request.Text is null
                ? new SearchRequest(request.Namespaces, request.Vector) { Metadata = request.Metadata, Guarantee = guarantee }
                : new SearchRequest(request.Namespaces, request.Text) { Guarantee = guarantee };
            SearchResult found = await _store.SearchAsync(exact, Token);
            Assert.That(ExactSearch.HitsOf(found), Is.EqualTo(expected), $"{guarantee}");
            Assert.That(found.Work.Scanned, Is.EqualTo(matching.Length));
        }
    }

    private static ItemMetadata MetadataOf(int lot)
    {
        var json = new JsonObject();
        foreach (int share in Shares)
        {
            json[$"one of {share}"] = lot % share == 0;
        }

        return json;
    }

    private static string TextOf(int lot, Random random) =>
        $"{Words(random)} {string.Join(' ', Shares.Where(share => lot % share == 0).Select(share => $"share{share}"))}";

    private static string Words(Random random) => string.Join(' ', Enumerable.Range(0, 8).Select(_ => $"word{random.Next(400)}"));
}
