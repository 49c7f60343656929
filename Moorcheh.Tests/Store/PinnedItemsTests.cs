using System.Text;
using System.Text.Json;
using Moorcheh.Artifacts;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Store;

/// <summary>What is read one by one is what the plain calls give, of one version, until the set is disposed or a checkpoint could not wait.</summary>
[CancelAfter(60_000)]
internal sealed class PinnedItemsTests
{
    // Two of them are more than a set copies.
    private static readonly string LongText = new('x', 60_000);

    private TemporaryDirectory _directory = null!;
    private MoorchehStore _store = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _directory = new TemporaryDirectory();
        _store = await TestStore.OpenAsync(_directory, Options(new TestEmbedder()));
        await _store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await _store.StoreAsync("docs", [.. "abc".Select(id => new Document($"{id}", $"{id} {LongText}", Metadata("id", $"{id}")))]);
    }

    [TearDown]
    public async Task CloseAsync()
    {
        await _store.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task Get_PinnedItems_AreThoseOfThePlainCall()
    {
        using var items = new PinnedItems(_store);
        await _store.GetItemsAsync("docs", ["c", "none", "a"], items);

        Assert.That(items.Count, Is.EqualTo(2));
        await AssertSameAsync(items, await _store.GetItemsAsync("docs", ["c", "none", "a"]));
        Assert.That(items.MemoryBytes, Is.InRange(60_000, 200_000));
    }

    [Test]
    public async Task Get_Vector_HasNoText()
    {
        await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        await _store.StoreAsync("emb", new VectorItem("v", [1f, 2f]));
        using var items = new PinnedItems(_store);
        await _store.GetItemsAsync("emb", ["v"], items);

        StoredItem item = await items.ReadAsync(0);
        Assert.That(item.Text.HasValue, Is.False);
        Assert.That(Encoding.UTF8.GetString(item.Metadata.Span), Is.EqualTo("{}"));
    }

    [Test]
    public async Task List_PinnedItems_AreThoseOfThePlainCall_AndVisited()
    {
        List<string> visited = [];
        using var items = new PinnedItems(_store);
        bool hasMore = await _store.ListItemsAsync("docs", items, limit: 2, afterId: "a", item => visited.Add(Encoding.UTF8.GetString(item.Id.Span)));

        Assert.That(hasMore, Is.False);
        Assert.That(visited, Is.EqualTo((string[])["b", "c"]));
        await AssertSameAsync(items, (await _store.ListItemsAsync("docs", limit: 2, afterId: "a")).Items);
    }

    [Test]
    public async Task Search_PinnedItems_AreTheHitsInTheirOrder()
    {
        using var items = new PinnedItems(_store);
        SearchResult found = await _store.SearchAsync(new SearchRequest("docs", "b"), items);

        SearchResult plain = await _store.SearchAsync(new SearchRequest("docs", "b"));
        Assert.That(found.Hits.Select(hit => (hit.Id, hit.Score)), Is.EqualTo(plain.Hits.Select(hit => (hit.Id, hit.Score))));
        await AssertSameAsync(items, await _store.GetItemsAsync("docs", [.. plain.Hits.Select(hit => hit.Id)]));
    }

    [Test]
    public async Task Read_ReplacedAndDeleted_IsAsItWas()
    {
        using var items = new PinnedItems(_store);
        await _store.GetItemsAsync("docs", ["a", "b", "c"], items);
        IReadOnlyList<Item> before = await _store.GetItemsAsync("docs", ["a", "b", "c"]);

        await _store.StoreAsync("docs", new Document("a", "another"));
        await _store.DeleteItemsAsync("docs", ["b"]);

        await AssertSameAsync(items, before);
    }

    [Test]
    public async Task Read_DeletedAndCheckpointTaken_IsGone()
    {
        using var items = new PinnedItems(_store);
        await _store.GetItemsAsync("docs", ["a", "b"], items);
        await _store.DeleteItemsAsync("docs", ["b"]);
        await _store.CheckpointAsync();

        MoorchehException gone = await RefusedAsync(async () => await items.ReadAsync(1), "item-gone");
        Assert.That(gone.IsTransient, Is.True);
        Assert.That(Encoding.UTF8.GetString((await items.ReadAsync(0)).Id.Span), Is.EqualTo("a"));
    }

    [Test]
    public async Task OpenArtifact_ChunksOneByOne_AreThoseOfThePlainCall()
    {
        await _store.Artifacts.IngestAsync(new ArtifactIngest("c", "one", ArtifactInput.FromText(string.Join("\n\n", Enumerable.Range(0, 900).Select(i => $"Sentence {i}.")))));
        using var items = new PinnedItems(_store);
        OpenArtifact opened = (await _store.Artifacts.OpenAsync("c", "one", items))!;
        ArtifactContent plain = (await _store.Artifacts.ReadAsync("c", "one"))!;

        Assert.That(opened.Id, Is.EqualTo(plain.Id));
        Assert.That(opened.ChunkCount, Is.EqualTo(plain.Chunks.Count).And.GreaterThan(1));
        for (int i = 0; i < opened.ChunkCount; i++)
        {
            Assert.That((opened.ChunkId(i), Encoding.UTF8.GetString((await opened.ReadTextAsync(i)).Span)), Is.EqualTo((plain.Chunks[i].Id, plain.Chunks[i].Text)));
        }

        Assert.That(await _store.Artifacts.OpenAsync("c", "none", items), Is.Null);
    }

    [Test]
    public void FromUtf8Json_KeepsWhatIsWritten_WithoutBlanks()
    {
        ItemMetadata metadata = ItemMetadata.FromUtf8Json("""{ "a" : 1.0, "a":"\u00e9 \" x",  "b": [ ] }"""u8);

        Assert.That(metadata.ToString(), Is.EqualTo("""{"a":1.0,"a":"\u00e9 \" x","b":[]}"""));
        Assert.That(metadata.Depth(), Is.EqualTo(2));
        foreach (string bad in (string[])["", "[]", "{", "{} {}", "1"])
        {
            Assert.That(() => ItemMetadata.FromUtf8Json(Encoding.UTF8.GetBytes(bad)), Throws.InstanceOf<JsonException>(), bad);
        }
    }

    private static async Task AssertSameAsync(PinnedItems items, IReadOnlyList<Item> expected)
    {
        Assert.That(items.Count, Is.EqualTo(expected.Count));
        for (int i = 0; i < expected.Count; i++)
        {
            StoredItem item = await items.ReadAsync(i);
            Assert.That(Encoding.UTF8.GetString(item.Id.Span), Is.EqualTo(expected[i].Id));
            Assert.That(Encoding.UTF8.GetString(item.Text!.Value.Span), Is.EqualTo(expected[i].Text));
            Assert.That(Encoding.UTF8.GetString(item.Metadata.Span), Is.EqualTo(expected[i].Metadata.ToString()));
            Assert.That((item.CreatedAt, item.UpdatedAt), Is.EqualTo((expected[i].CreatedAt, expected[i].UpdatedAt)));
        }
    }
}
