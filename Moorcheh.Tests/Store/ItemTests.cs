using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Store;

[CancelAfter(60_000)]
internal sealed class ItemTests
{
    private TemporaryDirectory _directory = null!;
    private MoorchehStore _store = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _directory = new TemporaryDirectory();
        _store = await TestStore.OpenAsync(_directory, Options(new TestEmbedder()));
        await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        await _store.CreateNamespaceAsync("docs", NamespaceKind.Text);
    }

    [TearDown]
    public async Task CloseAsync()
    {
        await _store.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task Get_SomeIds_InRequestOrderEachOnce()
    {
        await StoreAsync("a", "b", "c");
        Assert.That((await _store.GetItemsAsync("emb", ["c", "zz", "a", "c"])).Select(item => item.Id), Is.EqualTo((string[])["c", "a"]));
    }

    [Test]
    public async Task Get_Items_GiveBackWhatWasSent()
    {
        const string Json = """{"team":"ai","n":1.0,"big":12345678901234567890,"nested":{"a":[1,{"b":null}]},"u":"é 😀 < > & '","esc":"\\\"\n"}""";
        await _store.StoreAsync("docs", new Document("d😀", "text \0 é\r\n😀", ItemMetadata.Parse(Json)));
        await StoreAsync("v");
        Item document = (await _store.GetItemsAsync("docs", ["d😀"])).Single();
        Assert.That(document.Text, Is.EqualTo("text \0 é\r\n😀"));
        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(document.Metadata.ToString()), JsonNode.Parse(Json)), Is.True);
        Assert.That(document.Metadata.ToString(), Does.Contain("\"n\":1.0").And.Contain("12345678901234567890").And.Contain("é 😀 < > & '"));
        Item vector = (await _store.GetItemsAsync("emb", ["v"])).Single();
        Assert.That(vector.Text, Is.Null);
        Assert.That(vector.Metadata, Is.EqualTo(ItemMetadata.Empty));
    }

    [Test]
    public async Task GetAndDelete_BadIds_AreRefused()
    {
        string[] tooMany = [.. Enumerable.Range(0, 101).Select(i => $"v{i}")];
        foreach (Func<string[], Task> call in (Func<string[], Task>[])[ids => _store.GetItemsAsync("emb", ids), ids => _store.DeleteItemsAsync("emb", ids)])
        {
            await RefusedAsync(() => call([]), "empty-field", "Field 'ids' must not be empty.");
            await RefusedAsync(() => call(tooMany), "too-many-ids", "Field 'ids' has 101 entries; the limit is 100.");
            await RefusedAsync(() => call(["a", ""]), "invalid-id", "Id 1 is an empty string.");
            await call(tooMany[..100]);
        }

        await RefusedAsync(() => _store.GetItemsAsync("nope", ["a"]), "namespace-not-found");
        await RefusedAsync(() => _store.DeleteItemsAsync("nope", ["a"]), "namespace-not-found");
    }

    [Test]
    public async Task Delete_SomeIds_TellsWhichWereThere()
    {
        await StoreAsync("a", "b", "c");
        ItemDeletion deletion = await _store.DeleteItemsAsync("emb", ["c", "zz", "a", "c", "yy", "zz"]);
        Assert.That(deletion.DeletedIds, Is.EqualTo((string[])["c", "a"]));
        Assert.That(deletion.NotFoundIds, Is.EqualTo((string[])["zz", "yy"]));
        Assert.That((await _store.DeleteItemsAsync("emb", ["c"])).DeletedIds, Is.Empty);
        Assert.That(await _store.ListIdsAsync("emb"), Is.EqualTo((string[])["b"]));
        Assert.That(await _store.FindAsync(new SearchRequest("emb", [1, 1])), Is.EqualTo((string[])["b"]));
        Assert.That(_store.GetNamespace("emb").ItemCount, Is.EqualTo(1));
    }

    [TestCase(1)]
    [TestCase(3)]
    [TestCase(100)]
    public async Task List_NonAsciiIds_InUtf16Order(int limit)
    {
        // In UTF-8 the emoji would come after U+FFFD, in UTF-16 it comes before U+E000.
        string[] ids = ["a", "Z", "é", "z", "\uE000", "\uFFFD", "😀", "😀a", "\U0010FFFF", "\uD7FF", "aa", "a\0", " "];
        await StoreAsync(ids);
        Assert.That(await _store.ListIdsAsync("emb", limit), Is.EqualTo(ids.Order(StringComparer.Ordinal)));
        Assert.That((await _store.ListItemsAsync("emb", 100, "😀")).Items.Select(item => item.Id), Is.EqualTo((string[])["😀a", "\U0010FFFF", "\uE000", "\uFFFD"]));
        Assert.That((await _store.ListItemsAsync("emb", 100, "not there")).Items[0].Id, Is.EqualTo("z"));
    }

    [Test]
    public async Task List_ItemsComeAndGoBetweenPages_NothingRepeatsOrHides()
    {
        await StoreAsync([.. Enumerable.Range(0, 50).Select(i => $"k{i:D2}")]);
        List<string> seen = [];
        string? after = null;
        for (int page = 0; ; page++)
        {
            ItemPage items = await _store.ListItemsAsync("emb", 7, after);
            seen.AddRange(items.Items.Select(item => item.Id));
            if (!items.HasMore)
            {
                break;
            }

            after = seen[^1];
            await _store.DeleteItemsAsync("emb", [$"k{page:D2}"]);
            await StoreAsync($"k{page:D2}x");
        }

        Assert.That(seen.Where(id => id.Length == 3), Is.EqualTo(Enumerable.Range(0, 50).Select(i => $"k{i:D2}")));
        Assert.That(seen, Is.Unique);
    }

    [Test]
    public void List_LimitOutOfRange_Throws([Values(0, -1, 101)] int limit) =>
        Assert.That(async () => await _store.ListItemsAsync("emb", limit), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public async Task List_EmptyNamespace_IsAnEmptyPage() =>
        Assert.That(await _store.ListItemsAsync("emb"), Has.Property("Items").Empty.And.Property("HasMore").False);

    [Test]
    public async Task List_LargeTexts_PageEndsPastEightMebibytes()
    {
        string text = new('x', 1 << 20);
        await _store.StoreAsync("docs", [.. Enumerable.Range(0, 12).Select(i => new Document($"d{i:D2}", text))]);
        ItemPage page = await _store.ListItemsAsync("docs");
        Assert.That(page.Items, Has.Count.EqualTo(9)); // The ninth passes 8 MiB.
        Assert.That(page.HasMore, Is.True);
        Assert.That(await _store.ListIdsAsync("docs"), Has.Count.EqualTo(12));
    }

    [Test]
    public async Task Update_Item_KeepsCreatedAtAndReplacesTheRest()
    {
        using var directory = new TemporaryDirectory();
        var clock = new ManualTimeProvider();
        MoorchehOptions options = Options(new TestEmbedder());
        options.TimeProvider = clock;
        await using MoorchehStore store = await TestStore.OpenAsync(directory, options);
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        DateTimeOffset created = clock.GetUtcNow();
        await store.StoreAsync("docs", new Document("a", "one", Metadata("k", 1)));
        clock.Advance(TimeSpan.FromHours(1));
        await store.StoreAsync("docs", new Document("a", "two"));
        Item item = (await store.GetItemsAsync("docs", ["a"])).Single();
        Assert.That((item.CreatedAt, item.UpdatedAt), Is.EqualTo((created, created.AddHours(1))));
        Assert.That((item.Text, item.Metadata), Is.EqualTo(("two", ItemMetadata.Empty)));

        await store.DeleteItemsAsync("docs", ["a"]);
        await store.StoreAsync("docs", new Document("a", "three"));
        Assert.That((await store.GetItemsAsync("docs", ["a"])).Single().CreatedAt, Is.EqualTo(created.AddHours(1)));
    }

    [Test]
    public void Metadata_KeyTwice_LastOneCountsInThePlaceOfTheFirst() =>
        Assert.That(ItemMetadata.Parse("""{ "a":1, "b":2, "a":3 }""").ToString(), Is.EqualTo("""{"a":3,"b":2}"""));

    [TestCase("[]")]
    [TestCase("1")]
    [TestCase("{")]
    public void Metadata_NotAnObject_Throws(string json) => Assert.That(() => ItemMetadata.Parse(json), Throws.InstanceOf<System.Text.Json.JsonException>());

    private Task StoreAsync(params string[] ids) => _store.StoreAsync("emb", [.. ids.Select(id => new VectorItem(id, [1, 2]))]);
}
