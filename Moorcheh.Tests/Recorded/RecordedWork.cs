using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Moorcheh.Artifacts;
using Moorcheh.Diagnostics;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Recorded;

/// <summary>What is done with a store while it is recorded. Each round has namespaces of its own, whose names end with the round.</summary>
internal sealed class RecordedWork(RecordedSession session, string round, List<string> taskIds)
{
    private const int Dimension = 8;

    private static readonly ArtifactCallback Heard = new("events")
    {
        RoutingKeyDone = "done",
        RoutingKeyProgress = "progress",
        RoutingKeyError = "failed",
        Properties = ItemMetadata.Parse("""{"order":17,"who":["Zoë","李"]}"""),
    };

    private static readonly ArtifactCallback Unheard = Heard with { Exchange = RecordedSession.Deaf, RoutingKeyDone = null };

    /// <summary>A word that is waited for in this round.</summary>
    public string Wait => "wait" + round;

    private MoorchehStore Store => session.Store;

    private ArtifactStore Artifacts => session.Store.Artifacts;

    private string Docs => "docs-" + round;

    /// <summary>Work that comes to its end, of every kind and with every outcome.</summary>
    public async Task FinishAsync()
    {
        await WorkWithVectorsAsync();
        await WorkWithTextsAsync();
        await DeleteNamespacesAsync();
        await IngestAsync();
        await FailAndRevokeAsync();
    }

    /// <summary>An upload that is half embedded and one behind it; ingests that are being embedded, and one behind them.</summary>
    public async Task BeginAsync()
    {
        session.Embedder.Close(Wait);
        await Store.CreateNamespaceAsync("open-" + round, NamespaceKind.Text);
        await Store.UploadDocumentsAsync("open-" + round, Documents(25, "o", i => i switch { 3 or 17 => RecordedSession.Poison, 12 => Wait, _ => "plain" }));
        await session.Embedder.HeldAsync(Wait);
        Tick();
        await Store.UploadDocumentsAsync("open-" + round, Documents(4, "o", _ => "replaced"));
        await Store.DeleteItemsAsync("open-" + round, Filter.Equal("none", "has it"));
        await AddAsync(Artifacts.StartIngestAsync(Text("pending", Lines(12, Wait)), Unheard));
        Tick();
        await AddAsync(Artifacts.StartIngestAsync(Text("pending", Lines(2, "later")), Heard));
        _ = Artifacts.IngestAsync(Text("pending-sync", Lines(1, Wait))).ContinueWith(ended => _ = ended.Exception, TaskScheduler.Default);
        await session.Embedder.HeldAsync(Wait, 3);
        Tick();
    }

    /// <summary>Makes a namespace whose delete takes more than one step.</summary>
    public async Task FillLargeAsync(string name)
    {
        await Store.CreateNamespaceAsync(name, NamespaceKind.Vector, 1);
        await Store.StoreAsync(name, [.. Enumerable.Range(0, 1100).Select(i => new VectorItem(i.ToString(CultureInfo.InvariantCulture), [1f]))]);
    }

    private async Task WorkWithVectorsAsync()
    {
        string name = "vectors-" + round;
        await Store.CreateNamespaceAsync(name, NamespaceKind.Vector, Dimension);
        Tick();
        await Store.StoreAsync(name, [.. Enumerable.Range(0, 30).Select(i => Vector(i, i % 3 == 0 ? null : Describe(i)))]);
        Tick();
        await Store.StoreAsync(name, new VectorItem("zero", new float[Dimension]), new VectorItem("Größe/ 大", [1e-20f, -0f, 3e10f, 0, 0, 0, 0, 1], Describe(99)));
        Tick();
        await Store.StoreAsync(name, [.. Enumerable.Range(4, 5).Select(i => Vector(i, i % 2 == 0 ? null : Describe(i + 100), shift: 1))]);
        Tick();
        await Store.DeleteItemsAsync(name, ["v2", "v11", "absent", "v29"]);
        Tick();
        await Store.PatchMetadataAsync(name, "v3", new JsonObject { ["patched"] = true, ["größe"] = 1.50 });
        Tick();
        await (await Store.DeleteItemsAsync(name, Filter.In("patched", "never", true))).WaitAsync(Token);
        Tick();
    }

    private async Task WorkWithTextsAsync()
    {
        string name = "texts-" + round;
        string hold = "cancel" + round;
        await Store.CreateNamespaceAsync(name, NamespaceKind.Text);
        await Store.StoreAsync(name, Documents(24, "t", i => "text number " + i, describe: true));
        Tick();
        await Store.StoreAsync(name, Documents(3, "t", i => "replaced text " + i));
        await Store.DeleteItemsAsync(name, ["t5", "t6"]);
        Tick();
        Job<UploadJobStatus> failing = await Store.UploadDocumentsAsync(name, Documents(12, "f", i => i % 5 == 2 ? RecordedSession.Poison : "sound", describe: true));
        await failing.WaitAsync(Token);
        Tick();
        session.Embedder.Close(hold);
        Job<UploadJobStatus> cancelled = await Store.UploadDocumentsAsync(name, Documents(15, "c", i => i == 14 ? hold : "begun"));
        await session.Embedder.HeldAsync(hold);
        Tick();
        await Store.Jobs.CancelAsync(cancelled.Id);
        session.Embedder.Open(hold);
        Tick();
    }

    private async Task DeleteNamespacesAsync()
    {
        string hold = "gone" + round;
        session.Embedder.Close(hold);
        await Store.CreateNamespaceAsync(hold, NamespaceKind.Text);
        await Store.UploadDocumentsAsync(hold, Documents(12, "g", i => i == 11 ? hold : "stored"));
        await session.Embedder.HeldAsync(hold);
        Tick();
        await (await Store.DeleteNamespaceAsync(hold)).WaitAsync(Token);
        session.Embedder.Open(hold);
        Tick();

        string failing = "failing-" + round;
        await Store.CreateNamespaceAsync(failing, NamespaceKind.Vector, 2);
        await Store.StoreAsync(failing, new VectorItem("a", [1, 2]), new VectorItem("b", [2, 1]));
        CrashPoints.Reached = point => _ = point == CrashPoints.NamespaceDeleteStep ? throw new InvalidOperationException("no such record") : 0;
        Job<DeleteJobStatus> failed = await Store.DeleteNamespaceAsync(failing);
        await session.UntilAsync(() => failed.Status.State == JobState.Failed);
        CrashPoints.Reached = null;
        Tick();
    }

    private async Task IngestAsync()
    {
        ArtifactTaskStatus first = await EndedAsync(Artifacts.StartIngestAsync(Text("guide", Lines(3, "old"), """{"lang":"en","tags":["a","b"]}"""), Heard));
        await session.UntilAsync(() => session.Publisher.Of(first).Count == 7);
        await EndedAsync(Artifacts.StartIngestAsync(new ArtifactIngest(Docs, "notes", ArtifactInput.FromFile(Encoding.UTF8.GetBytes(Lines(2, "note")), "notes.md"))));
        await EndedAsync(Artifacts.StartIngestAsync(Text("guide", Lines(5, "new"), """{"lang":"de"}"""), Unheard));
        await EndedAsync(Artifacts.StartIngestAsync(Text("guide", Lines(5, "new"), """{"lang":"de"}""")));
        await Artifacts.IngestAsync(Text("sync", Lines(1, "sync")));
        await Artifacts.IngestAsync(Text("Überblick 概要", "kept at once\n"));
        Tick();
        await Artifacts.DeleteAsync(Docs, "sync");
        await EndedAsync(Artifacts.StartDeleteAsync(Docs, "notes", Unheard));
    }

    private async Task FailAndRevokeAsync()
    {
        string hold = "revoked" + round;
        await EndedAsync(Artifacts.StartIngestAsync(Text("bad", RecordedSession.Poison), Unheard));
        await EndedAsync(Artifacts.StartIngestAsync(new ArtifactIngest(Docs, "far", ArtifactInput.FromUri(new Uri("https://example.org/far.txt")))));
        ArtifactTaskStatus absent = await EndedAsync(Artifacts.StartDeleteAsync(Docs, "absent", Heard));
        await session.UntilAsync(() => session.Publisher.Of(absent).Any(message => message.RoutingKey == Heard.RoutingKeyError));
        session.Embedder.Close(hold);
        await AddAsync(Artifacts.StartIngestAsync(Text("revoked", Lines(2, hold)), Unheard));
        await session.Embedder.HeldAsync(hold);
        Tick();
        await EndedAsync(Artifacts.StartDeleteAsync(Docs, "revoked"));
        session.Embedder.Open(hold);
    }

    private async Task<ArtifactTaskStatus> AddAsync(Task<ArtifactTaskStatus> starting)
    {
        ArtifactTaskStatus started = await starting;
        taskIds.Add(started.Id);
        return started;
    }

    private async Task<ArtifactTaskStatus> EndedAsync(Task<ArtifactTaskStatus> starting)
    {
        ArtifactTaskStatus ended = (await Artifacts.WaitAsync((await AddAsync(starting)).Id, Token))!;
        Tick();
        return ended;
    }

    private void Tick() => session.Clock.Advance(TimeSpan.FromSeconds(1.25));

    private ArtifactIngest Text(string artifact, string text, string metadata = "{}") =>
        new(Docs, artifact, ArtifactInput.FromText(text)) { Metadata = ItemMetadata.Parse(metadata) };

    /// <summary>A text that becomes this many chunks.</summary>
    private static string Lines(int chunks, string word) => string.Concat(Enumerable.Range(0, chunks).Select(
        i => $"{word} {i} {string.Join(' ', Enumerable.Repeat("filler", RecordedSession.ChunkTokens - 2))}\n"));

    private static Document[] Documents(int count, string prefix, Func<int, string> text, bool describe = false) =>
    [
        .. Enumerable.Range(0, count).Select(i => new Document(prefix + i, $"{text(i)} of {prefix}.", describe && i % 2 == 1 ? Describe(i) : null)),
    ];

    private static VectorItem Vector(int i, ItemMetadata? metadata, int shift = 0) =>
        new("v" + i, [.. Enumerable.Range(shift, Dimension).Select(j => (((i * 7) + (j * j * 3)) % 11) - 5f + (i / 64f))], metadata);

    private static ItemMetadata Describe(int i) => new JsonObject
    {
        ["color"] = i % 4 < 2 ? "red" : "Blue",
        ["n"] = i,
        ["share"] = i / 8.0,
        ["tags"] = new JsonArray("all", "t" + (i % 3)),
        ["deep"] = new JsonObject { ["on"] = i % 2 == 0, ["none"] = null },
    };
}
