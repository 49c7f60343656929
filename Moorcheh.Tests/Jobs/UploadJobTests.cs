using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Jobs;

/// <summary>Jobs never lie and never hang.</summary>
[CancelAfter(60_000)]
internal sealed class UploadJobTests
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
        await _store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
    }

    [TearDown]
    public async Task CloseAsync()
    {
        _embedder.Release();
        await _store.DisposeAsync();
        _embedder.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task Upload_Accepted_IsRunningThenCompleted()
    {
        _embedder.Block();
        UploadJob job = await _store.UploadDocumentsAsync("docs", TextDocuments(2));
        UploadJobStatus accepted = job.Status;
        Assert.That(job.Id, Does.Match("^job-[0-9a-f]{32}$"));
        Assert.That((job.Total, job.NamespaceName), Is.EqualTo((2, "docs")));
        Assert.That((accepted.Kind, accepted.State, accepted.Total, accepted.Processed), Is.EqualTo((JobKind.Upload, JobState.Running, 2, 0)));
        Assert.That(accepted.UpdatedAt, Is.EqualTo(accepted.StartedAt));
        Assert.That(accepted.FinishedAt, Is.Null);
        Assert.That(_store.GetStatus().RunningJobs, Is.EqualTo(1));
        Assert.That(_store.GetNamespace("docs").RunningJobs, Is.EqualTo(1));

        _embedder.Release();
        UploadJobStatus status = await job.WaitAsync(Token);
        Assert.That((status.State, status.Processed, status.Successful, status.Failed), Is.EqualTo((JobState.Completed, 2, 2, 0)));
        Assert.That((status.LastError, status.Cancelled), Is.EqualTo(((string?)null, false)));
        Assert.That(status.FinishedAt, Is.EqualTo(status.UpdatedAt));
        Assert.That(status.UpdatedAt, Is.GreaterThanOrEqualTo(status.StartedAt));
        Assert.That(job.Status, Is.EqualTo(status));
        Assert.That(_store.GetNamespace("docs").RunningJobs, Is.Zero);
    }

    [Test]
    public async Task Find_WrongNamespaceKindOrId_IsNull()
    {
        UploadJobStatus upload = await _store.StoreAsync("docs", TextDocuments(1));
        DeleteJob delete = await _store.DeleteNamespaceAsync("emb");
        Assert.That(_store.Jobs.FindUpload("docs", upload.JobId), Is.EqualTo(upload));
        Assert.That(_store.Jobs.FindUpload("emb", upload.JobId), Is.Null);
        Assert.That(_store.Jobs.FindDelete("docs", upload.JobId), Is.Null);
        Assert.That(_store.Jobs.FindUpload("emb", delete.Id), Is.Null);
        Assert.That(_store.Jobs.Find(upload.JobId.ToUpperInvariant()), Is.Null);
        Assert.That(_store.Jobs.Find("job-" + new string('0', 32)), Is.Null);
        Assert.That(_store.Jobs.Find("nonsense"), Is.Null);
        Assert.That(await _store.Jobs.WaitAsync("nonsense", Token), Is.Null);
        Assert.That(await _store.Jobs.FindErrorsAsync("nonsense", Token), Is.Null);
        await delete.WaitAsync(Token);
        Assert.That((await _store.Jobs.FindErrorsAsync(delete.Id, Token))!.Errors, Is.Empty);
    }

    [Test]
    public async Task Upload_FiveThousandDocuments_MovesAndIsNeverAheadOfSearch()
    {
        UploadJob job = await _store.UploadDocumentsAsync("docs", TextDocuments(5000));
        UploadJobStatus before = job.Status;
        HashSet<int> steps = [];
        while (before.State == JobState.Running)
        {
            UploadJobStatus status = job.Status;
            Assert.That(status.Successful, Is.GreaterThanOrEqualTo(before.Successful));
            Assert.That(status.Successful + status.Failed, Is.InRange(before.Processed, status.Processed));
            Assert.That(status.Processed, Is.LessThanOrEqualTo(5000));
            Assert.That(status.UpdatedAt, Is.GreaterThanOrEqualTo(before.UpdatedAt));
            if (status.Successful > 0 && steps.Add(status.Successful))
            {
                string last = $"d{status.Successful - 1}";
                Assert.That(await _store.GetItemsAsync("docs", [last]), Has.Count.EqualTo(1), last);
                SearchResult found = await _store.SearchAsync(new SearchRequest("docs", $"text number {status.Successful - 1} of d"));
                Assert.That(found.Hits[0].Cosine, Is.EqualTo(1).Within(1e-12));
                Assert.That(_store.GetNamespace("docs").ItemCount, Is.GreaterThanOrEqualTo(status.Successful));
            }

            before = status;
            Token.ThrowIfCancellationRequested();
        }

        Assert.That(steps, Has.Count.GreaterThan(5), "The counters did not move while the job ran.");
        Assert.That(before.Successful, Is.EqualTo(5000));
    }

    [Test]
    public async Task Upload_SameIdTwice_LastOneIsStoredAndCountsForBoth()
    {
        _embedder.Block();
        UploadJob job = await _store.UploadDocumentsAsync(
            "docs", [new Document("a", "first"), new Document("b", "other"), new Document("a", "second"), new Document("a", "third")]);
        await _embedder.CallsBegunAsync(1).WaitAsync(Token);
        _embedder.Release();
        UploadJobStatus status = await job.WaitAsync(Token);
        Assert.That((status.Total, status.Processed, status.Successful, status.Failed), Is.EqualTo((4, 4, 4, 0)));
        Assert.That(_embedder.Calls.Single(), Is.EqualTo((string[])["other", "third"]));
        Assert.That((await _store.GetItemsAsync("docs", ["a"])).Single().Text, Is.EqualTo("third"));
        Assert.That(_store.GetNamespace("docs").ItemCount, Is.EqualTo(2));
    }

    [Test]
    public async Task Upload_SameIdTwiceAndFails_CountsForBoth()
    {
        _embedder.FailingWord = "BAD";
        MoorchehOptions options = Options(_embedder);
        options.Embedding.Attempts = 1;
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await TestStore.OpenAsync(directory, options);
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        UploadJob job = await store.UploadDocumentsAsync("docs", [new Document("a", "x"), new Document("b", "y"), new Document("a", "BAD")]);
        UploadJobStatus status = await job.WaitAsync(Token);
        Assert.That((status.Successful, status.Failed), Is.EqualTo((1, 2)));
        Assert.That(await store.GetItemsAsync("docs", ["a"]), Is.Empty);
    }

    [Test]
    public async Task Upload_NoEmbedder_FailsEveryItem()
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await TestStore.OpenAsync(directory);
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        UploadJobStatus status = await (await store.UploadDocumentsAsync("docs", TextDocuments(3))).WaitAsync(Token);
        Assert.That((status.State, status.Failed, status.Total), Is.EqualTo((JobState.Completed, 3, 3)));
        Assert.That(status.LastError, Is.EqualTo("Document 2 ('d2'): no embedding provider is configured."));
        JobErrors errors = (await store.Jobs.FindErrorsAsync(status.JobId, Token))!;
        Assert.That(errors.Errors[1], Is.EqualTo(new ItemError(1, "d1", "Document 1 ('d1'): no embedding provider is configured.")));
    }

    [Test]
    public async Task Uploads_OfOneNamespace_RunInOrderSoTheLaterWins()
    {
        _embedder.Block();
        List<UploadJob> jobs = [];
        for (int version = 0; version < 5; version++)
        {
            jobs.Add(await _store.UploadDocumentsAsync("docs", [new Document("same", $"version {version}")]));
        }

        _embedder.Release();
        UploadJobStatus[] statuses = await Task.WhenAll(jobs.Select(job => job.WaitAsync(Token)));
        Assert.That((await _store.GetItemsAsync("docs", ["same"])).Single().Text, Is.EqualTo("version 4"));
        Assert.That(statuses.Select(status => status.FinishedAt), Is.Ordered);
    }

    [Test]
    public async Task Uploads_OfOtherNamespaces_DoNotWaitForABlockedOne()
    {
        _embedder.Block();
        UploadJob blocked = await _store.UploadDocumentsAsync("docs", TextDocuments(1));
        await _store.StoreAsync("emb", TestVectors.Items(1, 10, 4));
        Assert.That(blocked.Status.State, Is.EqualTo(JobState.Running));
    }

    [Test]
    public async Task Uploads_OneItemFromManyThreads_AllComplete()
    {
        UploadJobStatus[] statuses = await Task.WhenAll(Enumerable.Range(0, 8).SelectMany(worker =>
            Enumerable.Range(0, 50).Select(i => Task.Run(async () =>
                await (await _store.UploadVectorsAsync("emb", [new VectorItem($"{worker}-{i}", [worker, i, 1, 2])])).WaitAsync(Token)))));
        Assert.That(statuses.Select(status => (status.State, status.Successful)), Is.All.EqualTo((JobState.Completed, 1)));
        Assert.That(_store.GetNamespace("emb").ItemCount, Is.EqualTo(400));
        Assert.That(_store.GetStatus(), Has.Property("RunningJobs").Zero.And.Property("ReservedItems").Zero);
    }

    [Test]
    public async Task FindErrors_ManyFailures_KeepsTheFirstHundredAlsoAfterReopening()
    {
        using var directory = new TemporaryDirectory();
        string jobId;
        await using (MoorchehStore store = await TestStore.OpenAsync(directory))
        {
            await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
            jobId = (await (await store.UploadDocumentsAsync("docs", TextDocuments(230))).WaitAsync(Token)).JobId;
            await CheckAsync(store);
        }

        await using MoorchehStore again = await TestStore.OpenAsync(directory);
        await CheckAsync(again);

        async Task CheckAsync(MoorchehStore store)
        {
            JobErrors errors = (await store.Jobs.FindErrorsAsync(jobId, Token))!;
            Assert.That(errors.Errors.Select(error => error.Index), Is.EqualTo(Enumerable.Range(0, 100)));
            Assert.That(errors.Omitted, Is.EqualTo(130));
        }
    }

    [Test]
    public async Task FindErrors_JobRestoredHalfWay_KeepsTheEarlierErrors([Values] bool crash)
    {
        using var directory = new TemporaryDirectory();
        using var copy = new TemporaryDirectory();
        MoorchehOptions options = Options(_embedder);
        options.Embedding.Attempts = 1;
        options.Embedding.BatchItems = 2;
        _embedder.FailingWord = "BAD";
        UploadJob job;
        await using (MoorchehStore store = await TestStore.OpenAsync(directory, options))
        {
            await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
            _embedder.OnCall = texts =>
            {
                if (texts[0] == "three")
                {
                    _embedder.Block();
                }
            };
            job = await store.UploadDocumentsAsync(
                "docs", [new Document("1", "BAD one"), new Document("2", "two"), new Document("3", "three"), new Document("4", "BAD four")]);
            while (job.Status.Processed < 2)
            {
                await Task.Yield();
                Token.ThrowIfCancellationRequested();
            }

            await store.CheckpointAsync(Token);
            Assert.That((await store.Jobs.FindErrorsAsync(job.Id, Token))!.Errors.Select(error => error.Id), Is.EqualTo((string[])["1"]));
            if (crash)
            {
                CrashCopy.Take(directory.Path, copy.Path);
            }
        }

        _embedder.OnCall = null;
        _embedder.Release();
        await using MoorchehStore again = await TestStore.OpenAsync(crash ? copy : directory, options);
        await again.Jobs.WaitAsync(job.Id, Token);
        JobErrors errors = (await again.Jobs.FindErrorsAsync(job.Id, Token))!;
        Assert.That(errors.Errors.Select(error => error.Id), Is.EqualTo((string[])["1", "4"]));
    }

    /// <summary>A job that ended after the last checkpoint is replayed; its errors must not be lost on the way.</summary>
    [Test]
    public async Task FindErrors_JobEndedBeforeACrash_KeepsThem()
    {
        using var directory = new TemporaryDirectory();
        using var copy = new TemporaryDirectory();
        string jobId;
        await using (MoorchehStore store = await TestStore.OpenAsync(directory))
        {
            await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
            jobId = (await (await store.UploadDocumentsAsync("docs", TextDocuments(3))).WaitAsync(Token)).JobId;
            CrashCopy.Take(directory.Path, copy.Path);
        }

        await using MoorchehStore again = await TestStore.OpenAsync(copy);
        Assert.That((await again.Jobs.FindErrorsAsync(jobId, Token))!.Errors, Has.Count.EqualTo(3));
    }

    /// <summary>Reading the errors of a job that is just ending gives them all: they move from memory to disk at that moment.</summary>
    [Test]
    public async Task FindErrors_WhileJobsEnd_IsNeverBehindTheStatus()
    {
        using var directory = new TemporaryDirectory();
        MoorchehOptions options = Options();
        await using MoorchehStore store = await TestStore.OpenAsync(directory, options);
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        for (int round = 0; round < 40; round++)
        {
            UploadJob job = await store.UploadDocumentsAsync("docs", TextDocuments(200));
            while (true)
            {
                UploadJobStatus status = job.Status;
                JobErrors errors = (await store.Jobs.FindErrorsAsync(job.Id, Token))!;
                Assert.That(errors.Errors, Has.Count.GreaterThanOrEqualTo(Math.Min(100, status.Failed)));
                Assert.That(errors.Errors.Count + errors.Omitted, Is.GreaterThanOrEqualTo(status.Failed));
                if (status.State != JobState.Running)
                {
                    break;
                }
            }
        }
    }

    [Test]
    public async Task Jobs_StoreClosed_StillAnswersOrRefuses()
    {
        using var directory = new TemporaryDirectory();
        MoorchehStore store = await TestStore.OpenAsync(directory);
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        UploadJobStatus done = await (await store.UploadDocumentsAsync("docs", TextDocuments(3))).WaitAsync(Token);
        await store.DisposeAsync();
        Assert.That(store.Jobs.Find(done.JobId), Is.EqualTo(done));
        Assert.That(await store.Jobs.WaitAsync(done.JobId, Token), Is.EqualTo(done));
        await RefusedAsync(() => store.Jobs.FindErrorsAsync(done.JobId, Token), "shutting-down");
    }

    [Test]
    public async Task Wait_Cancelled_ThrowsAndTheJobGoesOn()
    {
        _embedder.Block();
        UploadJob job = await _store.UploadDocumentsAsync("docs", TextDocuments(1));
        using var stop = new CancellationTokenSource();
        Task<UploadJobStatus> waiting = job.WaitAsync(stop.Token);
        await stop.CancelAsync();
        Assert.That(async () => await waiting, Throws.InstanceOf<OperationCanceledException>());
        _embedder.Release();
        Assert.That((await job.WaitAsync(Token)).Successful, Is.EqualTo(1));
    }

    [Test]
    public async Task Wait_StoreCloses_IsRefusedWithShuttingDown()
    {
        _embedder.Block();
        UploadJob job = await _store.UploadDocumentsAsync("docs", TextDocuments(1));
        Task<UploadJobStatus> waiting = job.WaitAsync(Token);
        await _store.DisposeAsync();
        MoorchehException refusal = await RefusedAsync(() => waiting, "shutting-down");
        Assert.That(refusal.IsTransient, Is.True);
        await RefusedAsync(() => job.WaitAsync(Token), "shutting-down");
    }
}
