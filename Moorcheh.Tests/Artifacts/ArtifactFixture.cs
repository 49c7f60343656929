using System.Text;
using Moorcheh.Artifacts;
using Moorcheh.Diagnostics;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Artifacts;

/// <summary>A store of its own for each test, with a word as a token and few tokens in a chunk.</summary>
[NonParallelizable]
[CancelAfter(60_000)]
internal abstract class ArtifactFixture
{
    private protected const int ChunkTokens = 32;

    private protected TemporaryDirectory Data { get; private set; } = null!;

    private protected TestEmbedder Embedder { get; private set; } = null!;

    private protected MoorchehStore Store { get; set; } = null!;

    private protected ArtifactStore Artifacts => Store.Artifacts;

    [SetUp]
    public async Task OpenFreshAsync()
    {
        Data = new TemporaryDirectory();
        Embedder = new TestEmbedder();
        Store = await TestStore.OpenAsync(Data, Options());
    }

    [TearDown]
    public async Task CloseAsync()
    {
        CrashPoints.Reached = null;
        Embedder.Release();
        await Store.DisposeAsync();
        Embedder.Dispose();
        Data.Dispose();
    }

    private protected virtual MoorchehOptions Options()
    {
        MoorchehOptions options = TestStore.Options(Embedder);
        options.Embedding.CountTokens = CountWords;
        options.Artifacts.ChunkTokens = ChunkTokens;
        options.Embedding.BatchItems = 10;
        options.Embedding.Attempts = 1;
        return options;
    }

    private protected async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        Store = await TestStore.OpenAsync(Data, Options());
    }

    private protected static int CountWords(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;

    /// <summary>A text that becomes this many chunks, each a line with a word of its own.</summary>
    private protected static string Lines(int chunks, string word = "line") =>
        string.Concat(Enumerable.Range(0, chunks).Select(i => $"{word}{i} {string.Join(' ', Enumerable.Repeat("filler", ChunkTokens - 1))}\n"));

    private protected static ArtifactIngest Text(string collection, string artifact, string text, string? metadata = null) =>
        new(collection, artifact, ArtifactInput.FromText(text)) { Metadata = metadata is null ? ItemMetadata.Empty : ItemMetadata.Parse(metadata) };

    private protected static ArtifactIngest File(string collection, string artifact, string fileName, byte[] content) =>
        new(collection, artifact, ArtifactInput.FromFile(content, fileName));

    private protected static ArtifactIngest File(string collection, string artifact, string fileName, string content) =>
        File(collection, artifact, fileName, Encoding.UTF8.GetBytes(content));

    /// <summary>The text of an artifact; null when there is none.</summary>
    private protected async Task<string?> ReadTextAsync(string collection, string artifact) =>
        await Artifacts.ReadAsync(collection, artifact) is { } content ? string.Concat(content.Chunks.Select(chunk => chunk.Text)) : null;

    private protected async Task<string[]> ListAsync(string collection) => [.. (await Artifacts.ListAsync(collection)).Select(info => info.Artifact)];

    /// <summary>Ids of the chunks a search finds.</summary>
    private protected async Task<string[]> SearchAsync(string collection, string query) =>
        await Store.FindAsync(new SearchRequest(collection, query) { TopK = 100 });

    /// <summary>Waits until a task has ended and asserts how.</summary>
    private protected async Task<ArtifactTaskStatus> EndedAsync(ArtifactTaskStatus task, ArtifactTaskState state)
    {
        ArtifactTaskStatus ended = (await Artifacts.WaitAsync(task.JobId, TestStore.Token))!;
        Assert.That(ended.TaskState, Is.EqualTo(state), ended.LastError);
        return ended;
    }

    private protected long Items => Store.GetStatus().Items;
}
