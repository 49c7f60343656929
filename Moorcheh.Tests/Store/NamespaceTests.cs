using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Store;

[CancelAfter(60_000)]
internal sealed class NamespaceTests
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

    [Test]
    public async Task Create_LegalNames_AreListedInOrdinalOrder()
    {
        string longest = new('n', 128);
        string[] names = ["b", "a", "A", "Z9_-", "0", "a-b", "a_b", longest];
        foreach (string name in names)
        {
            await _store.CreateNamespaceAsync(name, NamespaceKind.Text);
        }

        Assert.That(_store.ListNamespaces().Select(info => info.Name), Is.EqualTo(names.Order(StringComparer.Ordinal)));
        Assert.That(_store.GetStatus().Namespaces, Is.EqualTo(names.Length));
    }

    [TestCase("")]
    [TestCase("a b")]
    [TestCase("-x")]
    [TestCase("_x")]
    [TestCase("é")]
    [TestCase("a/b")]
    [TestCase("..")]
    [TestCase("x\n")]
    [TestCase("129")]
    public async Task Create_IllegalName_IsRefused(string name)
    {
        name = name == "129" ? new string('n', 129) : name;
        await RefusedAsync(
            () => _store.CreateNamespaceAsync(name, NamespaceKind.Text),
            "invalid-name",
            $"Namespace name '{name}' is not valid: use 1 to 128 of A-Z, a-z, 0-9, '_' and '-', starting with a letter or digit.");
    }

    [TestCase(0)]
    [TestCase(-1)]
    [TestCase(16_385)]
    public Task CreateVector_DimensionOutOfRange_IsRefused(int dimension) => RefusedAsync(
        () => _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, dimension),
        "invalid-dimension",
        $"Field 'vector_dimension' must be an integer from 1 to 16384, not {dimension}.");

    [TestCase(1)]
    [TestCase(16_384)]
    public async Task CreateVector_DimensionAtTheLimits_StoresAndFinds(int dimension)
    {
        NamespaceInfo info = await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, dimension);
        Assert.That(info.Dimension, Is.EqualTo(dimension));
        await _store.StoreAsync("emb", TestVectors.Items(1, 5, dimension));
        Assert.That(await _store.FindAsync(new SearchRequest("emb", TestVectors.Items(1, 5, dimension)[3].Vector.ToArray()) { TopK = 5 }), Has.Length.EqualTo(5));
    }

    [Test]
    public async Task Create_DimensionAndKindDoNotFit_IsRefused()
    {
        await RefusedAsync(
            () => _store.CreateNamespaceAsync("emb", NamespaceKind.Vector), "missing-field", "Field 'vector_dimension' is required for vector namespaces.");
        await RefusedAsync(
            () => _store.CreateNamespaceAsync("docs", NamespaceKind.Text, 5),
            "invalid-dimension",
            "Field 'vector_dimension' must not be sent for text namespaces.");
        await RefusedAsync(
            () => _store.CreateNamespaceAsync("graph", (NamespaceKind)7), "invalid-type", "Field 'type' must be 'text' or 'vector', not '7'.");
        Assert.That(_store.ListNamespaces(), Is.Empty);
    }

    [Test]
    public async Task Create_NameTaken_IsRefused()
    {
        await _store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await RefusedAsync(
            () => _store.CreateNamespaceAsync("docs", NamespaceKind.Vector, 3), "namespace-exists", "Namespace 'docs' already exists.");
        await _store.CreateNamespaceAsync("Docs", NamespaceKind.Text);
    }

    [Test]
    public async Task Create_AtOnce_ExactlyOneWins()
    {
        bool[] created = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            try
            {
                await _store.CreateNamespaceAsync("docs", NamespaceKind.Text);
                return true;
            }
            catch (MoorchehException e) when (e.Code == ErrorCodes.NamespaceExists)
            {
                return false;
            }
        })));
        Assert.That(created.Count(c => c), Is.EqualTo(1));
    }

    [Test]
    public async Task Create_PastTheLimit_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        MoorchehOptions options = Options();
        options.Limits.MaxNamespaces = 2;
        await using MoorchehStore store = await TestStore.OpenAsync(directory, options);
        await store.CreateNamespaceAsync("a", NamespaceKind.Text);
        await store.CreateNamespaceAsync("b", NamespaceKind.Text);
        await RefusedAsync(
            () => store.CreateNamespaceAsync("c", NamespaceKind.Text),
            "namespace-limit-exceeded",
            "Namespace limit exceeded: the server holds 2 of 2 namespaces.");
        await (await store.DeleteNamespaceAsync("a")).WaitAsync(Token);
        await store.CreateNamespaceAsync("c", NamespaceKind.Text);
    }

    [Test]
    public async Task Find_AbsentOrIllegalName_IsNull()
    {
        Assert.That(_store.FindNamespace("nope"), Is.Null);
        Assert.That(_store.FindNamespace("a b"), Is.Null);
        await RefusedAsync(() => Task.FromResult(_store.GetNamespace("nope")), "namespace-not-found", "Namespace 'nope' not found.");
    }

    [Test]
    public async Task Get_AfterUploads_CountsItemsAndBytes()
    {
        await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 3);
        await _store.StoreAsync("emb", new VectorItem("a", [1, 2, 3]), new VectorItem("bb", [1, 2, 3], Metadata("k", 1)));
        NamespaceInfo info = _store.GetNamespace("emb");
        Assert.That(info.ItemCount, Is.EqualTo(2));
        Assert.That(info.StoredBytes, Is.EqualTo((1 + 12 + 2) + (2 + 12 + 7)));
        Assert.That(info.Embedder, Is.Null);
        Assert.That(info.UpdatedAt, Is.GreaterThanOrEqualTo(info.CreatedAt));

        await _store.StoreAsync("emb", new VectorItem("bb", [1, 2, 3]));
        await _store.DeleteItemsAsync("emb", ["a"]);
        Assert.That(_store.GetNamespace("emb").StoredBytes, Is.EqualTo(2 + 12 + 2));
        Assert.That(_store.GetNamespace("emb").ItemCount, Is.EqualTo(1));
    }

    [Test]
    public async Task Closed_AnyCall_IsRefused()
    {
        await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 3);
        await _store.DisposeAsync();
        await _store.DisposeAsync();
        await RefusedAsync(() => _store.CreateNamespaceAsync("b", NamespaceKind.Text), "shutting-down", "Server is shutting down.");
        await RefusedAsync(() => _store.SearchAsync(new SearchRequest("emb", [1, 2, 3])), "shutting-down");
        await RefusedAsync(() => _store.GetItemsAsync("emb", ["a"]), "shutting-down");
        await RefusedAsync(() => _store.DeleteItemsAsync("emb", ["a"]), "shutting-down");
        await RefusedAsync(() => _store.ListItemsAsync("emb"), "shutting-down");
        await RefusedAsync(() => _store.UploadVectorsAsync("emb", [new VectorItem("a", [1, 2, 3])]), "shutting-down");
        await RefusedAsync(() => _store.DeleteNamespaceAsync("emb"), "shutting-down");
        await RefusedAsync(() => _store.CheckpointAsync(), "shutting-down");
    }
}
