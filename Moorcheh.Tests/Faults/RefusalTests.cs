using Moorcheh.Artifacts;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// What a request was told while the journal could not be written agrees with what a store holds that is opened after a crash, at whatever moment
/// behind the answer that was: a refused request has changed nothing, and one whose outcome is not known says so, with an id that tells it later. A crash
/// is a copy of the files.
/// </summary>
[Category("Faults")]
[NonParallelizable]
[CancelAfter(60_000)]
internal sealed class RefusalTests
{
    private const string Refused = "nothing was stored.";

    private static readonly string[] Requests =
    [
        "upload vectors", "upload documents", "delete items", "delete namespace", "create namespace",
        "ingest", "start ingest", "delete artifact", "start delete", "start delete with callback", "start ingest with callback",
    ];

    private readonly FailingDisk _disk = new();
    private readonly FakePublisher _publisher = new();
    private TemporaryDirectory _directory = null!;
    private TestEmbedder _embedder = null!;
    private MoorchehStore _store = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _directory = new TemporaryDirectory();
        _embedder = new TestEmbedder();
        _disk.IsFull = false;
        _disk.Release();
        MoorchehOptions options = Options(_embedder);
        options.Disk = _disk;
        options.Artifacts.CallbackPublisher = _publisher;
        _store = await TestStore.OpenAsync(_directory, options);
        await FillAsync(_store);
    }

    [TearDown]
    public async Task CloseAsync()
    {
        _disk.IsFull = false;
        _disk.Release();
        await _store.DisposeAsync();
        _embedder.Dispose();
        _directory.Dispose();
    }

    /// <summary>The entry is on its way to the disk when trouble begins, and may get there at any later moment.</summary>
    [TestCaseSource(nameof(Requests))]
    public async Task Answer_EntryIsOnItsWay_AgreesWithEveryCrash(string request)
    {
        _disk.IsFull = true;
        MoorchehException answer = await AnswerAsync(request);
        using var atOnce = new TemporaryDirectory();
        using var committed = new TemporaryDirectory();
        using var later = new TemporaryDirectory();
        CrashCopy.Take(_directory.Path, atOnce.Path);
        Assert.That(StatusOf(_store, answer), Is.EqualTo(HasId(answer) ? "not accepted yet" : "no id"));

        Task commit = _disk.NextCommitAsync();
        _disk.IsFull = false;
        await commit;
        CrashCopy.Take(_directory.Path, committed.Path);
        await SettleAsync(_store);
        await _store.CreateNamespaceAsync("later", NamespaceKind.Text);
        CrashCopy.Take(_directory.Path, later.Path);

        Assert.That(answer.Code, Is.EqualTo(ErrorCodes.OutcomeUnknown), answer.Message);
        Assert.That(await HappenedAsync(_store, request), Is.True, "It was to be carried out once the disk takes writes.");
        await CheckAsync(atOnce, request, answer);
        await CheckAsync(committed, request, answer);
        await CheckAsync(later, request, answer);
    }

    /// <summary>Nothing of a request goes to the journal while that is known to fail.</summary>
    [TestCaseSource(nameof(Requests))]
    public async Task Answer_WritesAreKnownToFail_NothingHappensAtAnyLaterCrash(string request)
    {
        _disk.IsFull = true;
        Assert.That(() => _store.CreateNamespaceAsync("first", NamespaceKind.Text), Throws.InstanceOf<MoorchehException>());
        MoorchehException answer = await AnswerAsync(request);
        using var atOnce = new TemporaryDirectory();
        using var committed = new TemporaryDirectory();
        using var later = new TemporaryDirectory();
        CrashCopy.Take(_directory.Path, atOnce.Path);
        Task commit = _disk.NextCommitAsync();
        _disk.IsFull = false;
        await commit;
        CrashCopy.Take(_directory.Path, committed.Path);
        await _store.CreateNamespaceAsync("later", NamespaceKind.Text);
        await SettleAsync(_store);
        CrashCopy.Take(_directory.Path, later.Path);

        Assert.That((answer.Code, answer.Message), Is.EqualTo((ErrorCodes.StorageFull, $"Storage is full; {Refused}")));
        Assert.That(await HappenedAsync(_store, request), Is.False, "It was refused.");
        await CheckAsync(atOnce, request, answer);
        await CheckAsync(committed, request, answer);
        await CheckAsync(later, request, answer);
    }

    /// <summary>A change that waits for another one of its namespace has nothing in the journal, so that it can be refused, and is then never begun.</summary>
    [Test]
    public async Task Answer_ChangeWaitsBehindOneThatHangs_IsRefusedAndNeverBegun()
    {
        _disk.Hold();
        Task<ItemDeletion> first = _store.DeleteItemsAsync("emb", ["old1"]);
        Task<ItemDeletion> second = _store.DeleteItemsAsync("emb", ["old2"]);
        _disk.IsFull = true;
        _disk.Release();
        MoorchehException unknown = await RefusedAsync(() => first, ErrorCodes.OutcomeUnknown);
        MoorchehException refused = await RefusedAsync(() => second, ErrorCodes.StorageFull);
        Assert.That((HasId(unknown), refused.Message), Is.EqualTo((false, $"Storage is full; {Refused}")));
        Task commit = _disk.NextCommitAsync();
        _disk.IsFull = false;
        await commit;
        await _store.StoreAsync("emb", TestVectors.Items(3, 1, 4, "new"));
        Assert.That(await _store.ListIdsAsync("emb"), Is.EqualTo((string[])["new0", "old0", "old2"]));
    }

    /// <summary>A store that is closed meanwhile cannot tell either; what it said agrees with the next opening.</summary>
    [TestCaseSource(nameof(Requests))]
    public async Task Answer_StoreIsClosedMeanwhile_AgreesWithTheNextOpening(string request)
    {
        _disk.Hold();
        Task<MoorchehException> answer = AnswerAsync(request);
        _disk.IsFull = true;
        _disk.Release();
        await _store.DisposeAsync();
        _disk.IsFull = false;
        await CheckAsync(_directory, request, await answer);
    }

    private static bool HasId(MoorchehException answer) => answer.Facts.ContainsKey("JobId");

    private static async Task FillAsync(MoorchehStore store)
    {
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        await store.StoreAsync("emb", TestVectors.Items(1, 3, 4, "old"));
        await store.CreateNamespaceAsync("texts", NamespaceKind.Text);
        await store.Artifacts.IngestAsync(new ArtifactIngest("pets", "cat", ArtifactInput.FromText("The cat sleeps.")));
    }

    private static Task BeginAsync(MoorchehStore store, string request) => request switch
    {
        "upload vectors" => store.UploadVectorsAsync("emb", TestVectors.Items(2, 5, 4, "new")),
        "upload documents" => store.UploadDocumentsAsync("texts", TextDocuments(5)),
        "delete items" => store.DeleteItemsAsync("emb", ["old1"]),
        "delete namespace" => store.DeleteNamespaceAsync("emb"),
        "create namespace" => store.CreateNamespaceAsync("created", NamespaceKind.Text),
        "ingest" => store.Artifacts.IngestAsync(new ArtifactIngest("pets", "dog", ArtifactInput.FromText("The dog runs."))),
        "start ingest" => store.Artifacts.StartIngestAsync(new ArtifactIngest("pets", "dog", ArtifactInput.FromText("The dog runs."))),
        "start ingest with callback" => store.Artifacts.StartIngestAsync(
            new ArtifactIngest("pets", "dog", ArtifactInput.FromText("The dog runs.")), new ArtifactCallback("events")),
        "delete artifact" => store.Artifacts.DeleteAsync("pets", "cat"),
        "start delete" => store.Artifacts.StartDeleteAsync("pets", "cat"),
        "start delete with callback" => store.Artifacts.StartDeleteAsync("pets", "cat", new ArtifactCallback("events")),
        _ => throw new ArgumentOutOfRangeException(nameof(request), request, null),
    };

    private static async Task<bool> HappenedAsync(MoorchehStore store, string request) => request switch
    {
        "upload vectors" => (await store.ListIdsAsync("emb")).Contains("new0"),
        "upload documents" => (await store.ListIdsAsync("texts")).Count > 0,
        "delete items" => !(await store.ListIdsAsync("emb")).Contains("old1"),
        "delete namespace" => store.FindNamespace("emb") is null,
        "create namespace" => store.FindNamespace("created") is not null,
        "ingest" or "start ingest" or "start ingest with callback" => (await store.Artifacts.ListAsync("pets")).Any(info => info.Artifact == "dog"),
        _ => (await store.Artifacts.ListAsync("pets")).All(info => info.Artifact != "cat"),
    };

    /// <summary>Waits until nothing is left to do.</summary>
    private static async Task SettleAsync(MoorchehStore store)
    {
        while (store.GetStatus() is not { RunningJobs: 0, WaitingCallbacks: 0 })
        {
            await Task.Delay(5, Token);
        }
    }

    private static string StatusOf(MoorchehStore store, MoorchehException answer) =>
        !HasId(answer) ? "no id"
        : (store.Jobs.Find((string)answer.Facts["JobId"]) ?? store.Artifacts.FindTask((string)answer.Facts["JobId"])) switch
        {
            null => "absent",
            { IsAccepted: false } => "not accepted yet",
            JobStatus status => status.State.ToString(),
        };

    private async Task<MoorchehException> AnswerAsync(string request)
    {
        try
        {
            await BeginAsync(_store, request);
        }
        catch (MoorchehException e)
        {
            return e;
        }

        throw new AssertionException($"'{request}' was carried out.");
    }

    /// <summary>Opens what a crash left, and compares it with the answer.</summary>
    private static async Task CheckAsync(TemporaryDirectory crashed, string request, MoorchehException answer)
    {
        using var embedder = new TestEmbedder();
        var publisher = new FakePublisher();
        MoorchehOptions options = Options(embedder);
        options.Artifacts.CallbackPublisher = publisher;
        await using MoorchehStore store = await TestStore.OpenAsync(crashed, options);
        await SettleAsync(store);
        bool happened = await HappenedAsync(store, request);
        if (answer.Code != ErrorCodes.OutcomeUnknown)
        {
            Assert.That(happened, Is.False, $"Refused: {answer.Message}");
        }
        else if (HasId(answer))
        {
            Assert.That(StatusOf(store, answer), Is.EqualTo(happened ? "Completed" : "absent"));
        }

        int messages = publisher.Taken.Count;
        Assert.That(messages, Is.EqualTo(0).Or.EqualTo(happened && request.EndsWith("callback", StringComparison.Ordinal) ? messages : 0), "Messages of what did not happen.");
    }
}
