using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Jobs;

[CancelAfter(60_000)]
internal sealed class JobListTests
{
    [Test]
    public async Task List_Jobs_NewestFirstFilteredAndPaged()
    {
        using var directory = new TemporaryDirectory();
        using var embedder = new TestEmbedder();
        var clock = new ManualTimeProvider();
        MoorchehOptions options = Options(embedder);
        options.TimeProvider = clock;
        await using MoorchehStore store = await OpenAsync(directory, options);
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 3);
        List<JobStatus> finished = [];
        for (int i = 0; i < 6; i++)
        {
            finished.Add(await store.StoreAsync("emb", TestVectors.Items(i, 1, 3)));
            clock.Advance(i % 2 == 1 ? TimeSpan.FromMilliseconds(10) : TimeSpan.FromTicks(1)); // Two jobs in a millisecond: then the id decides.
        }

        finished.Add(await (await store.DeleteNamespaceAsync("emb")).WaitAsync(Token));
        embedder.Block();
        UploadJob running = await store.UploadDocumentsAsync("docs", TextDocuments(1));

        string[] all =
        [
            .. finished.Append(running.Status).OrderByDescending(job => job.StartedAt.UtcTicks / TimeSpan.TicksPerMillisecond).ThenByDescending(job => job.JobId, StringComparer.Ordinal).Select(job => job.JobId),
        ];
        Assert.That(Ids(new JobFilter()), Is.EqualTo(all));
        Assert.That(Ids(null), Is.EqualTo(all));
        Assert.That(Ids(new JobFilter { NamespaceName = "docs" }), Is.EqualTo((string[])[running.Id]));
        Assert.That(Ids(new JobFilter { Kind = JobKind.Delete }), Is.EqualTo((string[])[finished[^1].JobId]));
        Assert.That(Ids(new JobFilter { State = JobState.Running }), Is.EqualTo((string[])[running.Id]));
        Assert.That(Ids(new JobFilter { State = JobState.Failed }), Is.Empty);
        Assert.That(Ids(new JobFilter { Kind = JobKind.Upload, State = JobState.Completed, NamespaceName = "emb" }), Has.Length.EqualTo(6));

        List<string> paged = [];
        (DateTimeOffset, string)? after = null;
        while (true)
        {
            IReadOnlyList<JobStatus> page = store.Jobs.List(new JobFilter { Limit = 3, After = after });
            paged.AddRange(page.Select(job => job.JobId));
            if (page.Count < 3)
            {
                break;
            }

            after = (page[^1].StartedAt, page[^1].JobId);
        }

        Assert.That(paged, Is.EqualTo(all));
        embedder.Release();
        await running.WaitAsync(Token);

        string[] Ids(JobFilter? filter) => [.. store.Jobs.List(filter).Select(job => job.JobId)];
    }

    [Test]
    public async Task List_LimitOutOfRange_Throws([Values(0, 201)] int limit)
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory);
        Assert.That(() => store.Jobs.List(new JobFilter { Limit = limit }), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public async Task Retention_SevenDays_ForgetsFinishedJobsOnly()
    {
        using var directory = new TemporaryDirectory();
        using var embedder = new TestEmbedder();
        var clock = new ManualTimeProvider();
        MoorchehOptions options = Options(embedder);
        options.TimeProvider = clock;
        await using (MoorchehStore store = await OpenAsync(directory, options))
        {
            await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
            UploadJobStatus old = await store.StoreAsync("docs", TextDocuments(1));
            embedder.Block();
            UploadJob running = await store.UploadDocumentsAsync("docs", TextDocuments(1));
            clock.Advance(TimeSpan.FromDays(7) - TimeSpan.FromMinutes(10));
            Assert.That(store.Jobs.Find(old.JobId), Is.Not.Null);
            await clock.AdvanceUntilAsync(() => store.Jobs.Find(old.JobId) is null, Token);
            Assert.That(clock.GetUtcNow() - old.FinishedAt, Is.GreaterThan(TimeSpan.FromDays(7)));
            Assert.That(store.Jobs.Find(running.Id), Is.Not.Null);
            Assert.That(store.Jobs.FindUpload("docs", old.JobId), Is.Null);
            embedder.Release();
            await running.WaitAsync(Token);
        }

        await using MoorchehStore again = await OpenAsync(directory, options);
        Assert.That(again.Jobs.List(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Retention_OverWhileClosed_ForgottenAtOpening()
    {
        using var directory = new TemporaryDirectory();
        var clock = new ManualTimeProvider();
        MoorchehOptions options = Options();
        options.TimeProvider = clock;
        await using (MoorchehStore store = await OpenAsync(directory, options))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
            await store.StoreAsync("emb", new VectorItem("a", new float[] { 1, 0 }));
        }

        clock.Advance(TimeSpan.FromDays(8));
        await using MoorchehStore again = await OpenAsync(directory, options);
        Assert.That(again.Jobs.List(), Is.Empty);
    }

    [Test]
    public async Task Retention_MaxFinishedJobs_TheOldestGoFirst()
    {
        using var directory = new TemporaryDirectory();
        var clock = new ManualTimeProvider();
        MoorchehOptions options = Options();
        options.TimeProvider = clock;
        options.Jobs.MaxFinished = 3;
        await using MoorchehStore store = await OpenAsync(directory, options);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 3);
        List<string> ids = [];
        for (int i = 0; i < 6; i++)
        {
            ids.Add((await store.StoreAsync("emb", TestVectors.Items(i, 1, 3))).JobId);
            clock.Advance(TimeSpan.FromMilliseconds(1));
        }

        await clock.AdvanceUntilAsync(() => store.Jobs.List().Count == 3, Token);
        Assert.That(store.Jobs.List().Select(job => job.JobId), Is.EqualTo(ids[3..].AsEnumerable().Reverse()));
    }
}
