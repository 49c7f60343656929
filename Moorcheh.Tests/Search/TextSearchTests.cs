using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Search;

/// <summary>Text queries, and the filters at their end.</summary>
[CancelAfter(60_000)]
internal sealed class TextSearchTests
{
    private TemporaryDirectory _directory = null!;
    private TestEmbedder _embedder = null!;
    private MoorchehStore _store = null!;

    [OneTimeSetUp]
    public async Task OpenAsync()
    {
        _directory = new TemporaryDirectory();
        _embedder = new TestEmbedder(64);
        _store = await TestStore.OpenAsync(_directory, Options(_embedder));
        await _store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await _store.CreateNamespaceAsync("more", NamespaceKind.Text);
        await _store.StoreAsync(
            "docs",
            new Document("1", "the quick brown fox", Json("""{"team":"AI","year":2024,"ok":true,"none":null,"ratio":1.50}""")),
            new Document("2", "a quick C++ primer, fast", Json("""{"team":"web","tags":["Red","blue",7],"o":{"x":"y"},"k.e-y_1":"v:w"}""")),
            new Document("3", "foxes and foxgloves; FOX_1", Json("""{"Team":"ai","team":["x","Ai"]}""")),
            new Document("4", "über-größe naïve 😀"));
        await _store.StoreAsync("more", new Document("5", "the quick brown fox"));
    }

    [OneTimeTearDown]
    public async Task CloseAsync()
    {
        await _store.DisposeAsync();
        _embedder.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task Search_Text_FindsTheSameWordsFirst()
    {
        SearchHit[] hits = [.. (await _store.SearchAsync(new SearchRequest(["more", "docs"], "quick brown fox the"))).Hits];
        Assert.That(hits.Select(hit => hit.Id).Take(2), Is.EqualTo((string[])["1", "5"])); // A tie: docs before more.
        Assert.That((hits[0].Score, hits[0].Label, hits[0].Text), Is.EqualTo((1, "Close Match", "the quick brown fox")));
        Assert.That(hits, Has.Length.EqualTo(5));
        Assert.That(hits.Select(hit => hit.Cosine), Is.Ordered.Descending);
    }

    [TestCase("quick #team:ai", "1,3")]
    [TestCase("quick #team:AI", "1,3")]
    [TestCase("quick #team:web", "2")]
    [TestCase("quick #Team:ai", "3")]
    [TestCase("quick #TEAM:ai", "")]
    [TestCase("quick #team:ai #year:2024", "1")]
    [TestCase("quick #team:web #year:2024", "")]
    [TestCase("quick #ok:true", "1")]
    [TestCase("quick #ok:TRUE", "1")]
    [TestCase("quick #none:null", "1")]
    [TestCase("quick #ratio:1.50", "1")]
    [TestCase("quick #ratio:1.5", "")]
    [TestCase("quick #tags:red", "2")]
    [TestCase("quick #tags:7", "2")]
    [TestCase("quick #o:y", "")]
    [TestCase("quick #k.e-y_1:v:w", "2")]
    [TestCase("quick   #team:ai\t#year:2024  ", "1")]
    [TestCase("quick #fox", "1")]
    [TestCase("quick #FOX", "1")]
    [TestCase("quick #fox_1", "3")]
    [TestCase("quick #foxes", "3")]
    [TestCase("quick #c++", "2")]
    [TestCase("quick #primer", "2")]
    [TestCase("quick #größe", "4")]
    [TestCase("quick #ve", "")]
    [TestCase("quick #😀", "4")]
    [TestCase("quick #quick #team:ai", "1")]
    [TestCase("quick #fast #team:ai", "")]
    public async Task Search_FiltersAtTheEnd_MustAllHold(string query, string expected)
    {
        int calls = _embedder.Calls.Count;
        string[] found = await _store.FindAsync(new SearchRequest("docs", query));
        Assert.That(string.Join(",", found.Order(StringComparer.Ordinal)), Is.EqualTo(expected));
        Assert.That(_embedder.Calls[calls].Single(), Is.EqualTo("quick"), "Filters are cut off before embedding.");
    }

    [TestCase("quick #team:ai fox", "quick #team:ai fox")]
    [TestCase("quick #team:ai fox #fox", "quick #team:ai fox")]
    [TestCase("quick #", "quick #")]
    [TestCase("quick #team:", "quick #team:")]
    [TestCase("quick #:ai", "quick #:ai")]
    [TestCase("quick #té:ai", "quick #té:ai")]
    [TestCase("quick #fox #", "quick #fox #")]
    [TestCase("quick# x#y", "quick# x#y")]
    public async Task Search_HashThatIsNoFilter_IsPlainText(string query, string embedded)
    {
        int calls = _embedder.Calls.Count;
        await _store.FindAsync(new SearchRequest("docs", query));
        Assert.That(_embedder.Calls[calls].Single(), Is.EqualTo(embedded));
    }

    [Test]
    public async Task Search_QueryFilterAndMetadata_AddUp()
    {
        Assert.That(await _store.FindAsync(new SearchRequest("docs", "quick #team:ai") { Metadata = new JsonObject { ["year"] = 2024 } }), Is.EqualTo((string[])["1"]));
        Assert.That(await _store.FindAsync(new SearchRequest("docs", "quick #team:ai") { Metadata = new JsonObject { ["team"] = "ai" } }), Is.Empty);
        Assert.That(await _store.FindAsync(new SearchRequest("docs", "quick") { Metadata = new JsonObject { ["team"] = "AI" } }), Is.EqualTo((string[])["1"]));
    }

    [Test]
    public async Task Search_LongestQuery_IsTaken() =>
        Assert.That(await _store.FindAsync(new SearchRequest("docs", "quick " + new string('x', 8186))), Has.Length.EqualTo(4));

    private static ItemMetadata Json(string json) => ItemMetadata.Parse(json);
}
