using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Store;

/// <summary>Every refusal at the door names the entry and both values, and nothing of the batch is stored.</summary>
[CancelAfter(60_000)]
internal sealed class UploadRulesTests
{
    private TemporaryDirectory _directory = null!;
    private MoorchehStore _store = null!;

    [OneTimeSetUp]
    public async Task OpenAsync()
    {
        _directory = new TemporaryDirectory();
        _store = await TestStore.OpenAsync(_directory, Options(new TestEmbedder()));
        await _store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 5);
    }

    [OneTimeTearDown]
    public async Task CloseAsync()
    {
        await _store.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public Task Upload_UnknownNamespace_IsRefused() =>
        RefusedAsync(() => _store.UploadVectorsAsync("nope", [Vector("a")]), "namespace-not-found", "Namespace 'nope' not found.");

    [Test]
    public async Task Upload_WrongKind_IsRefused()
    {
        await RefusedAsync(
            () => _store.UploadDocumentsAsync("emb", [new Document("a", "x")]),
            "wrong-namespace-type",
            "Namespace 'emb' is a vector namespace; documents need a text namespace.");
        await RefusedAsync(
            () => _store.UploadVectorsAsync("docs", [Vector("a")]),
            "wrong-namespace-type",
            "Namespace 'docs' is a text namespace; vectors need a vector namespace.");
    }

    [Test]
    public async Task Upload_NoEntries_IsRefused()
    {
        await RefusedAsync(() => _store.UploadDocumentsAsync("docs", []), "empty-field", "Field 'documents' must not be empty.");
        await RefusedAsync(() => _store.UploadVectorsAsync("emb", []), "empty-field", "Field 'vectors' must not be empty.");
    }

    [Test]
    public async Task Upload_OneEntryTooMany_IsRefused()
    {
        await RefusedAsync(
            () => _store.UploadDocumentsAsync("docs", TextDocuments(10_001)), "too-many-items", "Field 'documents' has 10001 entries; the limit is 10000.");
        await RefusedAsync(
            () => _store.UploadVectorsAsync("emb", [.. Enumerable.Range(0, 10_001).Select(i => Vector($"v{i}"))]),
            "too-many-items",
            "Field 'vectors' has 10001 entries; the limit is 10000.");
    }

    [Test]
    public async Task Upload_AtEveryLimit_IsStored()
    {
        string id = new('é', 256); // 512 bytes.
        var metadata = new JsonObject { ["k"] = new string('m', (64 << 10) - 8) };
        await _store.StoreAsync("docs", new Document(id, new string('é', 1 << 19), metadata), new Document("blank", " "), new Document("deep", "x", Deep(8)));
        IReadOnlyList<Item> items = await _store.GetItemsAsync("docs", [id, "blank", "deep"]);
        Assert.That(items.Select(item => item.Text!.Length), Is.EqualTo((int[])[1 << 19, 1, 1]));
        Assert.That(items[0].Metadata.Utf8Json.Length, Is.EqualTo(64 << 10));
        await _store.DeleteItemsAsync("docs", [id, "blank", "deep"]);

        await _store.StoreAsync("emb", [.. Enumerable.Range(0, 10_000).Select(i => Vector($"v{i}"))]);
        Assert.That(_store.GetNamespace("emb").ItemCount, Is.EqualTo(10_000));
        for (int i = 0; i < 10_000; i += 100)
        {
            await _store.DeleteItemsAsync("emb", [.. Enumerable.Range(i, 100).Select(n => $"v{n}")]);
        }
    }

    private static IEnumerable<TestCaseData> BadDocuments()
    {
        yield return Case("no id", new Document(null!, "x"), "missing-field", "Document 1 has no 'id'.");
        yield return Case("empty id", new Document("", "x"), "invalid-id", "Document 1: 'id' is empty.");
        yield return Case("long id", new Document(new string('é', 256) + "x", "x"), "invalid-id", "Document 1: 'id' has 513 bytes; the limit is 512.");
        yield return Case("no text", new Document("doc-4", null!), "missing-field", "Document 1 ('doc-4') has no 'text'.");
        yield return Case("empty text", new Document("doc-4", ""), "invalid-text", "Document 1 ('doc-4'): 'text' is empty.");
        yield return Case(
            "long text",
            new Document("doc-4", new string('é', 1 << 19) + "x"),
            "invalid-text",
            "Document 1 ('doc-4'): 'text' has 1048577 bytes; the limit is 1048576.");
        yield return Case(
            "large metadata",
            new Document("doc-4", "x", new JsonObject { ["k"] = new string('m', (64 << 10) - 7) }),
            "invalid-metadata",
            "Document 1 ('doc-4'): metadata has 65537 bytes; the limit is 65536.");
        yield return Case(
            "deep metadata", new Document("doc-4", "x", Deep(9)), "invalid-metadata", "Document 1 ('doc-4'): metadata is 9 levels deep; the limit is 8.");

        static TestCaseData Case(string name, Document document, string code, string message) =>
            new TestCaseData(document, code, message).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(BadDocuments))]
    public async Task UploadDocuments_OneBadEntry_RefusesTheBatch(Document bad, string code, string message)
    {
        int jobs = _store.Jobs.List().Count;
        await RefusedAsync(() => _store.UploadDocumentsAsync("docs", [new Document("good", "x"), bad]), code, message);
        Assert.That(_store.Jobs.List(), Has.Count.EqualTo(jobs));
        Assert.That(await _store.GetItemsAsync("docs", ["good"]), Is.Empty);
        Assert.That(_store.GetStatus().ReservedItems, Is.Zero);
    }

    private static IEnumerable<TestCaseData> BadVectors()
    {
        yield return Case("no id", new VectorItem(null!, [1, 2, 3, 4, 5]), "missing-field", "Vector 1 has no 'id'.");
        yield return Case("empty id", Vector(""), "invalid-id", "Vector 1: 'id' is empty.");
        yield return Case("long id", Vector(new string('x', 513)), "invalid-id", "Vector 1: 'id' has 513 bytes; the limit is 512.");
        yield return Case(
            "short", new VectorItem("vec-2", [1, 2, 3, 4]), "dimension-mismatch", "Vector 1 ('vec-2') has 4 values; namespace 'emb' needs 5.");
        yield return Case(
            "long", new VectorItem("vec-2", [1, 2, 3, 4, 5, 6]), "dimension-mismatch", "Vector 1 ('vec-2') has 6 values; namespace 'emb' needs 5.");
        foreach (float value in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            yield return Case(
                $"{value}", new VectorItem("vec-2", [1, 2, 3, value, 5]), "non-finite-value", "Vector 1 ('vec-2'): value 3 is not a finite number.");
        }

        yield return Case(
            "deep metadata",
            new VectorItem("vec-2", [1, 2, 3, 4, 5], Deep(9)),
            "invalid-metadata",
            "Vector 1 ('vec-2'): metadata is 9 levels deep; the limit is 8.");

        static TestCaseData Case(string name, VectorItem item, string code, string message) =>
            new TestCaseData(item, code, message).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(BadVectors))]
    public async Task UploadVectors_OneBadEntry_RefusesTheBatch(VectorItem bad, string code, string message)
    {
        int jobs = _store.Jobs.List().Count;
        await RefusedAsync(() => _store.UploadVectorsAsync("emb", [Vector("good"), bad]), code, message);
        Assert.That(_store.Jobs.List(), Has.Count.EqualTo(jobs));
        Assert.That(await _store.GetItemsAsync("emb", ["good"]), Is.Empty);
        Assert.That(_store.GetStatus().ReservedItems, Is.Zero);
    }

    /// <summary>Ids are kept as UTF-8, where every lone surrogate would become the same character: two ids would be one.</summary>
    [Test]
    public async Task Upload_LoneSurrogateInAnId_IsRefused()
    {
        await RefusedAsync(
            () => _store.UploadVectorsAsync("emb", [Vector("a\uD800"), Vector("a\uDC00")]),
            "invalid-id",
            "Vector 0: 'id' is not valid Unicode: it has a lone surrogate.");
        await RefusedAsync(() => _store.UploadDocumentsAsync("docs", [new Document("\uDC00x", "x")]), "invalid-id");
        await RefusedAsync(() => _store.GetItemsAsync("emb", ["a", "\uD800"]), "invalid-id", "Id 1 is not valid Unicode: it has a lone surrogate.");
        await RefusedAsync(() => _store.DeleteItemsAsync("emb", ["\uD800"]), "invalid-id");
    }

    [Test]
    public async Task Upload_SmallerLimits_AreUsed()
    {
        using var directory = new TemporaryDirectory();
        MoorchehOptions options = Options(new TestEmbedder());
        options.Limits.MaxUploadItems = 2;
        options.Limits.MaxTextBytes = 3;
        options.Limits.MaxMetadataBytes = 7;
        await using MoorchehStore store = await TestStore.OpenAsync(directory, options);
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await store.StoreAsync("docs", new Document("a", "xyz", Metadata("a", 1)), new Document("b", "x"));
        await RefusedAsync(() => store.UploadDocumentsAsync("docs", TextDocuments(3)), "too-many-items", "Field 'documents' has 3 entries; the limit is 2.");
        await RefusedAsync(() => store.UploadDocumentsAsync("docs", [new Document("a", "wxyz")]), "invalid-text");
        await RefusedAsync(() => store.UploadDocumentsAsync("docs", [new Document("a", "x", Metadata("a", 10))]), "invalid-metadata");
    }

    [Test]
    public void Upload_CancelledToken_LeavesNothing()
    {
        int jobs = _store.Jobs.List().Count;
        Assert.That(
            async () => await _store.UploadVectorsAsync("emb", [Vector("a")], new CancellationToken(canceled: true)),
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(_store.Jobs.List(), Has.Count.EqualTo(jobs));
        Assert.That(_store.GetStatus().ReservedItems, Is.Zero);
    }

    [Test]
    public async Task Upload_QueueFull_IsRefusedAndGivesItsPlacesBack()
    {
        using var directory = new TemporaryDirectory();
        var embedder = new TestEmbedder();
        MoorchehOptions options = Options(embedder);
        options.Jobs.MaxPending = 2;
        await using MoorchehStore store = await TestStore.OpenAsync(directory, options);
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        embedder.Block();
        UploadJob first = await store.UploadDocumentsAsync("docs", TextDocuments(1, "a"));
        await store.UploadDocumentsAsync("docs", TextDocuments(1, "b"));
        await RefusedAsync(() => store.UploadDocumentsAsync("docs", TextDocuments(1, "c")), "queue-full", "Job queue is full (2 jobs waiting).");
        Assert.That(store.GetStatus().ReservedItems, Is.EqualTo(2));
        embedder.Release();
        await first.WaitAsync(Token);
        await store.StoreAsync("docs", TextDocuments(1, "c"));
    }

    [Test]
    public async Task Upload_PendingBytes_AreCounted()
    {
        using var directory = new TemporaryDirectory();
        var embedder = new TestEmbedder();
        MoorchehOptions options = Options(embedder);
        options.Jobs.MaxPendingBytes = 1000;
        await using MoorchehStore store = await TestStore.OpenAsync(directory, options);
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        embedder.Block();
        UploadJob first = await store.UploadDocumentsAsync("docs", [new Document("a", new string('x', 2000))]); // Alone: always taken.
        MoorchehException refusal = await RefusedAsync(() => store.UploadDocumentsAsync("docs", [new Document("b", "x")]), "queue-full");
        Assert.That(refusal.IsTransient, Is.True);
        embedder.Release();
        await first.WaitAsync(Token);
        await store.StoreAsync("docs", new Document("b", "x"));
    }

    private static VectorItem Vector(string id) => new(id, [1, 2, 3, 4, 5]);

    private static ItemMetadata Deep(int levels)
    {
        var inner = new JsonObject();
        for (int i = 1; i < levels; i++)
        {
            inner = new JsonObject { ["k"] = inner };
        }

        return inner;
    }
}
