using Moorcheh.Diagnostics;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Store;

[NonParallelizable]
[CancelAfter(60_000)]
internal sealed class NamespaceDeleteTests
{
    private TemporaryDirectory _directory = null!;
    private TestEmbedder _embedder = null!;
    private MoorchehStore _store = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _directory = new TemporaryDirectory();
        _embedder = new TestEmbedder();
        _store = await TestStore.OpenAsync(_directory, Options(_embedder));
    }

    [TearDown]
    public async Task CloseAsync()
    {
        CrashPoints.Reached = null;
        _embedder.Release();
        await _store.DisposeAsync();
        _embedder.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task Delete_Absent_IsRefused() =>
        await RefusedAsync(() => _store.DeleteNamespaceAsync("nope"), "namespace-not-found", "Namespace 'nope' not found.");

    [Test]
    public async Task Delete_Empty_CompletesWithZero()
    {
        await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 3);
        DeleteJobStatus status = await (await _store.DeleteNamespaceAsync("emb")).WaitAsync(Token);
        Assert.That(status.State, Is.EqualTo(JobState.Completed));
        Assert.That((status.TotalItems, status.DeletedItems, status.LastError), Is.EqualTo((0L, 0L, (string?)null)));
        Assert.That(status.FinishedAt, Is.EqualTo(status.UpdatedAt));
        Assert.That(_store.ListNamespaces(), Is.Empty);
    }

    /// <summary>A worker may carry the delete out before the call that started it has returned.</summary>
    [Test]
    public async Task Delete_WorkersBusyWithTheNamespace_NeverThrows()
    {
        for (int round = 0; round < 60; round++)
        {
            await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 3);
            Task<Job<UploadJobStatus>>[] uploads = [.. Enumerable.Range(0, 3).Select(i => _store.UploadVectorsAsync("emb", TestVectors.Items(i, 1, 3)))];
            await uploads[0];
            Job<DeleteJobStatus> delete = await _store.DeleteNamespaceAsync("emb");
            foreach (Task<Job<UploadJobStatus>> upload in uploads)
            {
                try
                {
                    UploadJobStatus status = await (await upload).WaitAsync(Token);
                    Assert.That(status.State, Is.EqualTo(JobState.Completed));
                }
                catch (MoorchehException e) when (e.Code is ErrorCodes.NamespaceDeleting)
                {
                    // Came too late.
                }
            }

            Assert.That((await delete.WaitAsync(Token)).State, Is.EqualTo(JobState.Completed));
        }
    }

    /// <summary>The only worker is held by another namespace, so the delete stands still for as long as the test looks.</summary>
    [Test]
    public async Task Delete_Running_EverythingElseIsRefused()
    {
        using var directory = new TemporaryDirectory();
        MoorchehOptions options = Options(_embedder);
        options.Jobs.Workers = 1;
        await using MoorchehStore store = await TestStore.OpenAsync(directory, options);
        await store.CreateNamespaceAsync("other", NamespaceKind.Vector, 4);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        await store.StoreAsync("emb", TestVectors.Items(1, 20, 4));
        using var held = new HeldUpload();
        await store.UploadVectorsAsync("other", TestVectors.Items(1, 1, 4));
        await held.IsHeld.WaitAsync(Token);

        Job<DeleteJobStatus> delete = await store.DeleteNamespaceAsync("emb");
        Assert.That(delete.Status.TotalItems, Is.EqualTo(20));
        Assert.That((delete.Status.State, delete.Status.DeletedItems, delete.Status.FinishedAt), Is.EqualTo((JobState.Running, 0L, (DateTimeOffset?)null)));
        Assert.That(store.GetStatus(), Has.Property("Items").EqualTo(1).And.Property("Namespaces").EqualTo(1));
        Assert.That(store.ListNamespaces().Select(info => info.Name), Is.EqualTo((string[])["other"]));
        Assert.That(store.FindNamespace("emb"), Is.Null);
        const string Message = "Namespace 'emb' is being deleted.";
        await RefusedAsync(() => store.UploadVectorsAsync("emb", TestVectors.Items(1, 1, 4)), "namespace-deleting", Message);
        await RefusedAsync(() => store.GetItemsAsync("emb", ["v1"]), "namespace-deleting", Message);
        await RefusedAsync(() => store.DeleteItemsAsync("emb", ["v1"]), "namespace-deleting", Message);
        await RefusedAsync(() => store.ListItemsAsync("emb"), "namespace-deleting", Message);
        await RefusedAsync(() => store.CreateNamespaceAsync("emb", NamespaceKind.Text), "namespace-deleting", Message);
        await RefusedAsync(() => store.SearchAsync(new SearchRequest("emb", [1, 2, 3, 4])), "namespace-deleting", Message);
        MoorchehException second = await RefusedAsync(() => store.DeleteNamespaceAsync("emb"), "namespace-deleting");
        Assert.That(second.Message, Is.EqualTo($"Namespace 'emb' is already being deleted by job '{delete.Id}'."));
        Assert.That(second.Facts["JobId"], Is.EqualTo(delete.Id));

        held.Dispose();
        Assert.That((await delete.WaitAsync(Token)).DeletedItems, Is.EqualTo(20));
    }

    [Test]
    public async Task Delete_ManyItems_CountersNeverFallAndTheNameIsFreeAtTheEnd()
    {
        await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        for (int i = 0; i < 2; i++)
        {
            await _store.StoreAsync("emb", TestVectors.Items(i, 10_000, 4, $"p{i}-"));
        }

        long stored = _store.FindNamespace("emb")!.StoredBytes;
        Job<DeleteJobStatus> delete = await _store.DeleteNamespaceAsync("emb");
        Assert.That(delete.Status.FreedBytes, Is.Zero);
        HashSet<long> seen = [];
        long before = 0;
        while (true)
        {
            Token.ThrowIfCancellationRequested();
            DeleteJobStatus status = delete.Status;
            Assert.That(status.DeletedItems, Is.InRange(before, 20_000));
            Assert.That(status.TotalItems, Is.EqualTo(20_000));
            Assert.That(status.UpdatedAt, Is.GreaterThanOrEqualTo(status.StartedAt));
            before = status.DeletedItems;
            seen.Add(before);
            if (status.State != JobState.Running)
            {
                break;
            }
        }

        Assert.That(seen, Has.Count.GreaterThan(2), "The counter did not move while the job ran.");
        Assert.That((delete.Status.State, delete.Status.DeletedItems, delete.Status.FreedBytes), Is.EqualTo((JobState.Completed, 20_000L, stored)));
        Assert.That(stored, Is.GreaterThan(20_000 * 4 * sizeof(float)));

        // From the moment completed can be read the name is free.
        await _store.CreateNamespaceAsync("emb", NamespaceKind.Text);
        Assert.That(_store.Jobs.Find(delete.Id), Is.EqualTo(delete.Status));
    }

    /// <summary>Counted here from what was sent: the items as they are at the end, whatever was replaced or deleted before, and whatever crash came between.</summary>
    [Test]
    public async Task FreedBytes_AfterUpdatesDeletesAndACrash_AreThoseOfTheItemsThatWereLeft()
    {
        await _store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await _store.StoreAsync("docs", new Document("a", "replaced") { Metadata = Metadata("k", "long gone") }, new Document("b", "deleted"), new Document("é", "ünïcode"));
        await _store.StoreAsync("docs", new Document("a", "new") { Metadata = Metadata("k", 1) });
        await _store.DeleteItemsAsync("docs", ["b"]);
        await _store.CheckpointAsync(Token);
        await _store.StoreAsync("docs", new Document("c", "after the checkpoint"));
        const int VectorBytes = 32 * sizeof(float);
        int expected = (1 + 3 + 7) + (2 + 9 + 2) + (1 + 20 + 2) + (3 * VectorBytes); // Ids, texts, metadata: {"k":1}, {} and {}.
        Assert.That(_store.GetNamespace("docs").StoredBytes, Is.EqualTo(expected));
        using var crashed = new TemporaryDirectory();
        CrashPoints.Reached = point =>
        {
            if (point == CrashPoints.NamespaceDeleteStep)
            {
                CrashCopy.Take(_directory.Path, crashed.Path); // The records are removed, the entry that says so is not there.
            }
        };
        DeleteJobStatus status = await (await _store.DeleteNamespaceAsync("docs")).WaitAsync(Token);
        CrashPoints.Reached = null;
        Assert.That((status.State, status.FreedBytes), Is.EqualTo((JobState.Completed, (long)expected)));
        await using MoorchehStore again = await TestStore.OpenAsync(crashed, Options());
        Assert.That(((DeleteJobStatus)(await again.Jobs.WaitAsync(status.Id, Token))!).FreedBytes, Is.EqualTo(expected));
    }

    [Test]
    public async Task Delete_AtOnce_OneWinsAndTheOthersLearnItsJob()
    {
        for (int round = 0; round < 20; round++)
        {
            await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
            await _store.StoreAsync("emb", TestVectors.Items(round, 50, 4));
            using var start = new Barrier(4);
            object[] outcomes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run<object>(async () =>
            {
                start.SignalAndWait();
                try
                {
                    return await _store.DeleteNamespaceAsync("emb");
                }
                catch (MoorchehException e)
                {
                    return e;
                }
            })));
            Job<DeleteJobStatus> winner = outcomes.OfType<Job<DeleteJobStatus>>().Single();
            await winner.WaitAsync(Token);
            foreach (MoorchehException loser in outcomes.OfType<MoorchehException>())
            {
                // A late one finds the namespace gone already.
                if (loser.Code != ErrorCodes.NamespaceNotFound)
                {
                    Assert.That(loser.Code, Is.EqualTo(ErrorCodes.NamespaceDeleting));
                    Assert.That(loser.Facts.GetValueOrDefault("JobId"), Is.EqualTo(winner.Id), loser.Message);
                }
            }
        }
    }

    [Test]
    public async Task Delete_UploadRuns_EndsItWithTheText()
    {
        await _store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        _embedder.Block();
        Job<UploadJobStatus> running = await _store.UploadDocumentsAsync("docs", TextDocuments(3, "a"));
        Job<UploadJobStatus> waiting = await _store.UploadDocumentsAsync("docs", TextDocuments(2, "b"));
        await _embedder.CallsBegunAsync(1).WaitAsync(Token);
        Job<DeleteJobStatus> delete = await _store.DeleteNamespaceAsync("docs");
        Assert.That((await delete.WaitAsync(Token)).State, Is.EqualTo(JobState.Completed));
        foreach (Job<UploadJobStatus> job in (Job<UploadJobStatus>[])[running, waiting])
        {
            UploadJobStatus status = job.Status;
            Assert.That(status.State, Is.EqualTo(JobState.Completed));
            Assert.That(status.Successful + status.Failed, Is.EqualTo(status.Total));
            Assert.That(status.Processed, Is.EqualTo(status.Total));
            Assert.That(status.LastError, Is.EqualTo("Namespace 'docs' was deleted."));
            Assert.That(status.FinishedAt, Is.EqualTo(status.UpdatedAt));
            Assert.That(_store.Jobs.Find(job.Id), Is.EqualTo(status));
        }

        Assert.That(_store.GetStatus(), Has.Property("Items").Zero.And.Property("ReservedItems").Zero.And.Property("RunningJobs").Zero);
    }

    /// <summary>A generator that does not look at its token must not hold up the delete, or the job would hang with it.</summary>
    [Test]
    public async Task Delete_EmbedderDoesNotListen_StillCompletes()
    {
        await _store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        _embedder.IgnoresCancellation = true;
        _embedder.Block();
        Job<UploadJobStatus> upload = await _store.UploadDocumentsAsync("docs", TextDocuments(1));
        await _embedder.CallsBegunAsync(1).WaitAsync(Token);
        Job<DeleteJobStatus> delete = await _store.DeleteNamespaceAsync("docs");
        Assert.That((await delete.WaitAsync(Token)).State, Is.EqualTo(JobState.Completed));
        Assert.That(upload.Status.State, Is.EqualTo(JobState.Completed));
    }

    [Test]
    public async Task Recreate_AtOnce_IsNeverTouchedByTheOldDelete()
    {
        for (int round = 0; round < 15; round++)
        {
            await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
            await _store.StoreAsync("emb", TestVectors.Items(round, 1500, 4, $"r{round}-"));
            Job<UploadJobStatus> late = await _store.UploadVectorsAsync("emb", TestVectors.Items(round, 1500, 4, "late"));
            Job<DeleteJobStatus> delete = await _store.DeleteNamespaceAsync("emb");
            await delete.WaitAsync(Token);
            await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
            await _store.StoreAsync("emb", TestVectors.Items(round, 20, 4, "new"));
            Assert.That(late.Status.State, Is.EqualTo(JobState.Completed));
            Assert.That(await _store.ListIdsAsync("emb"), Has.Count.EqualTo(20).And.All.StartsWith("new"));
            Assert.That(_store.GetStatus().Items, Is.EqualTo(20));
            await (await _store.DeleteNamespaceAsync("emb")).WaitAsync(Token);
        }
    }

    /// <summary>Readers hold the old namespace while its records go: that is a deleted namespace, not a damaged one.</summary>
    [Test]
    public async Task Read_WhileBeingDeleted_IsServedOrRefusedNeverDamaged()
    {
        for (int round = 0; round < 5; round++)
        {
            await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
            await _store.StoreAsync("emb", TestVectors.Items(round, 5000, 4));
            string[] ids = [.. Enumerable.Range(0, 100).Select(i => $"v{i}")];
            using var start = new Barrier(3);
            Task<Exception?>[] readers =
            [
                Task.Run(() => ReadAsync(() => _store.GetItemsAsync("emb", ids))),
                Task.Run(() => ReadAsync(() => _store.ListItemsAsync("emb"))),
            ];
            start.SignalAndWait();
            await (await _store.DeleteNamespaceAsync("emb")).WaitAsync(Token);
            foreach (Task<Exception?> reader in readers)
            {
                Assert.That((await reader as MoorchehException)?.Code, Is.AnyOf(ErrorCodes.NamespaceDeleting, ErrorCodes.NamespaceNotFound), (await reader)?.ToString());
            }

            async Task<Exception?> ReadAsync(Func<Task> read)
            {
                start.SignalAndWait();
                try
                {
                    while (true)
                    {
                        await read();
                    }
                }
                catch (Exception e)
                {
                    return e;
                }
            }
        }
    }
}
