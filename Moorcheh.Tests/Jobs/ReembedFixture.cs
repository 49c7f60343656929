using Moorcheh.Diagnostics;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Jobs;

/// <summary>Stores of texts in one directory that are opened with one embedder after the other, and the oracle: a store made freshly with the last.</summary>
[NonParallelizable]
[CancelAfter(60_000)]
internal abstract class ReembedFixture
{
    private protected const string Name = "docs";

    private static readonly string[] Queries = ["text number 3 of d", "number of", "changed 7", "d", "absent", "text #color:red"];

    private readonly List<IDisposable> _embedders = [];

    private protected TemporaryDirectory Data { get; private set; } = null!;

    [SetUp]
    public void Begin() => Data = new TemporaryDirectory();

    [TearDown]
    public void End()
    {
        CrashPoints.Reached = null;
        _embedders.ForEach(embedder => embedder.Dispose());
        _embedders.Clear();
        Data.Dispose();
    }

    private protected TestEmbedder Model(string name, int dimension = 32, bool declaresDimension = true)
    {
        var embedder = new TestEmbedder(dimension, model: name, declaresDimension: declaresDimension);
        _embedders.Add(embedder);
        return embedder;
    }

    private protected static MoorchehOptions Options(TestEmbedder? embedder)
    {
        MoorchehOptions options = TestStore.Options(embedder);
        options.Embedding.BatchItems = 10;
        options.Embedding.Attempts = 1;
        return options;
    }

    private protected Task<MoorchehStore> OpenAsync(TestEmbedder? embedder) => TestStore.OpenAsync(Data, Options(embedder));

    private protected static Document[] Documents(int count, string prefix = "d") =>
        [.. TestStore.TextDocuments(count, prefix).Select((document, i) => document with { Metadata = TestStore.Metadata("color", i % 3 == 0 ? "red" : "blue") })];

    /// <summary>A store with a namespace of texts, made with a model.</summary>
    private protected async Task MakeAsync(TestEmbedder embedder, int count)
    {
        await using MoorchehStore store = await OpenAsync(embedder);
        await store.CreateNamespaceAsync(Name, NamespaceKind.Text);
        await store.StoreAsync(Name, Documents(count));
    }

    /// <summary>All that searches and readings tell of a namespace but times.</summary>
    private protected static async Task<string> DescribeAsync(MoorchehStore store, string name = Name)
    {
        List<string> lines = [];
        foreach (string query in Queries)
        {
            SearchResult found = await store.SearchAsync(new SearchRequest(name, query) { TopK = 100 });
            lines.Add(query);
            lines.AddRange(found.Hits.Select(hit => $"{hit.Id} {hit.Score:R} {hit.Label} {hit.Text} {hit.Metadata}"));
        }

        List<Item> items = [];
        for (ItemPage? page = null; page is null || page.HasMore; items.AddRange(page.Items))
        {
            page = await store.ListItemsAsync(name, MoorchehStore.MaxIds, items.LastOrDefault()?.Id);
        }

        lines.AddRange(items.Select(item => $"{item.Id} {item.Text} {item.Metadata}"));
        NamespaceInfo info = store.GetNamespace(name);
        lines.Add($"{info.ItemCount} items, {info.StoredBytes} bytes, {info.Embedder?.Name} {info.Embedder?.Dimension}");
        return string.Join('\n', lines);
    }

    /// <summary>What a namespace with these documents tells that was never embedded with another model.</summary>
    private protected static async Task<string> FreshAsync(TestEmbedder embedder, IReadOnlyList<Document> documents)
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await TestStore.OpenAsync(directory, TestStore.Options(embedder));
        await store.CreateNamespaceAsync(Name, NamespaceKind.Text);
        if (documents.Count > 0)
        {
            await store.StoreAsync(Name, [.. documents]);
        }

        return await DescribeAsync(store);
    }

    private protected static async Task<ReembedJobStatus> EndAsync(MoorchehStore store, string jobId, JobState state = JobState.Completed)
    {
        var status = (ReembedJobStatus)(await store.Jobs.WaitAsync(jobId, TestStore.Token))!;
        Assert.That(status.State, Is.EqualTo(state), status.LastError);
        return status;
    }

    private protected static async Task<ReembedJobStatus> ReembedAsync(MoorchehStore store, string name = Name) =>
        await EndAsync(store, (await store.ReembedNamespaceAsync(name)).Id);
}
