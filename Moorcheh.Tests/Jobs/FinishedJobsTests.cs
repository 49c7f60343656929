using Moorcheh.Artifacts;
using Moorcheh.Tests.Artifacts;
using Moorcheh.Tests.Faults;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Jobs;

/// <summary>No more finished jobs are kept than the limit says, at any moment, and those that went do not come back.</summary>
[CancelAfter(60_000)]
internal sealed class FinishedJobsTests : ArtifactFixture
{
    private const int Max = 3;

    private protected override MoorchehOptions Options()
    {
        MoorchehOptions options = base.Options();
        options.Jobs.MaxFinished = Max;
        options.Disk = new VolatileDisk();
        return options;
    }

    [Test]
    public async Task Uploads_AtAnyMoment_NoMoreThanTheLimitAreKept()
    {
        await Store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        List<string> ids = [];
        for (int i = 0; i < 12; i++)
        {
            ids.Add((await Store.StoreAsync("emb", TestVectors.Items(i, 1, 2))).Id);
            Assert.That(Store.Jobs.List(), Has.Count.EqualTo(Math.Min(Max, i + 1)));
        }

        Assert.That(Kept(Store, ids), Is.EqualTo(ids[^Max..]));
        using var copy = new TemporaryDirectory();
        CrashCopy.Take(Data.Path, copy.Path);
        await using (MoorchehStore crashed = await TestStore.OpenAsync(copy, Options()))
        {
            Assert.That(Kept(crashed, ids), Is.EqualTo(ids[^Max..]), "After a crash.");
        }

        await Store.CheckpointAsync(Token);
        ids.Add((await Store.StoreAsync("emb", TestVectors.Items(12, 1, 2))).Id);
        CrashCopy.Take(Data.Path, copy.Path);
        await using (MoorchehStore crashed = await TestStore.OpenAsync(copy, Options()))
        {
            Assert.That(Kept(crashed, ids), Is.EqualTo(ids[^Max..]), "After a crash behind a checkpoint.");
        }

        await ReopenAsync();
        Assert.That(Kept(Store, ids), Is.EqualTo(ids[^Max..]), "After a clean close.");
    }

    [Test]
    public async Task Tasks_CountWithTheJobs_AndTheirResultsGoWithThem()
    {
        List<string> tasks = [];
        for (int i = 0; i < 8; i++)
        {
            tasks.Add((await EndedAsync(await Artifacts.StartIngestAsync(Text("docs", $"{i}", "x")), ArtifactTaskState.Success)).Id);
            Assert.That(tasks.Count(id => Artifacts.FindTask(id) is not null), Is.EqualTo(Math.Min(Max, i + 1)));
        }

        Assert.That(await Artifacts.FindResultAsync(tasks[0]), Is.Null);
        Assert.That((await Artifacts.FindResultAsync(tasks[^1]))!.Artifact, Is.EqualTo("7"));
        await Store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        await Store.StoreAsync("emb", TestVectors.Items(1, 1, 2));
        Assert.That(tasks.Where(id => Artifacts.FindTask(id) is not null), Is.EqualTo(tasks[^(Max - 1)..]));
        await ReopenAsync();
        Assert.That(tasks.Where(id => Artifacts.FindTask(id) is not null), Is.EqualTo(tasks[^(Max - 1)..]));
        Assert.That((await Artifacts.FindResultAsync(tasks[^1]))!.Artifact, Is.EqualTo("7"));
    }

    [Test]
    public async Task UnfinishedJobs_AreNeverForgotten()
    {
        await Store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await Store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        Embedder.Block();
        Job<UploadJobStatus> first = await Store.UploadDocumentsAsync("docs", TextDocuments(1));
        for (int i = 0; i < 20 * Max; i++)
        {
            await Store.StoreAsync("emb", TestVectors.Items(i, 1, 2));
        }

        Assert.That(Store.Jobs.List(new JobFilter { State = JobState.Running }).Select(job => job.Id), Is.EqualTo((string[])[first.Id]));
        Assert.That(Store.Jobs.List(), Has.Count.EqualTo(Max + 1));
        Embedder.Release();
        Assert.That((await first.WaitAsync(Token)).Successful, Is.EqualTo(1));
        Assert.That(Store.Jobs.List()[^1].Id, Is.EqualTo(first.Id), "It finished last, though it was the first.");
    }

    [Test]
    public async Task NoneAreKept_WhoeverWaitsSeesTheEnd()
    {
        await Store.DisposeAsync();
        MoorchehOptions options = Options();
        options.Jobs.MaxFinished = 0;
        Store = await TestStore.OpenAsync(Data, options);
        await Store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        for (int i = 0; i < 20; i++)
        {
            Job<UploadJobStatus> job = await Store.UploadVectorsAsync("emb", TestVectors.Items(i, 1, 2));
            UploadJobStatus ended = await job.WaitAsync(Token);
            Assert.That((ended.State, ended.Successful, job.Status.State), Is.EqualTo((JobState.Completed, 1, JobState.Completed)));
            Assert.That(Store.Jobs.Find(job.Id), Is.Null);
        }

        Job<DeleteJobStatus> delete = await Store.DeleteNamespaceAsync("emb");
        Assert.That((await delete.WaitAsync(Token)).State, Is.EqualTo(JobState.Completed));
        Assert.That(await Artifacts.IngestAsync(Text("docs", "a", "x")), Is.Not.Null);
        Assert.That(Store.Jobs.List(), Is.Empty);
    }

    /// <summary>What a listing allocates tells what it looked at and sorted: the same, however many jobs are kept.</summary>
    [Test]
    public async Task List_AFew_CostsTheSameHoweverManyAreKept()
    {
        await Store.DisposeAsync();
        MoorchehOptions options = Options();
        options.Jobs.MaxFinished = 10_000;
        Store = await TestStore.OpenAsync(Data, options);
        await Store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        await Store.StoreAsync("emb", TestVectors.Items(1, 1, 2));
        JobStatus first = (await Store.Jobs.WaitAsync(Store.Jobs.List()[0].Id, Token))!;
        JobFilter[] filters =
        [
            new() { Limit = 1 }, new() { Limit = 1, Namespace = "emb" }, new() { Limit = 1, Kind = JobKind.Delete }, new() { Limit = 1, State = JobState.Running },
            new() { Limit = 1, State = JobState.Failed }, new() { Limit = 1, After = (first.StartedAt, first.Id) }, new() { Limit = 1, Namespace = "none" },
        ];
        long few = Measure(filters);
        await Parallel.ForAsync(0, 1000, Token, async (i, _) => await (await Store.UploadVectorsAsync("emb", TestVectors.Items(i, 1, 2))).WaitAsync(Token));
        Assert.That(Store.Jobs.List(new JobFilter { Limit = 200 }), Has.Count.EqualTo(200));
        Assert.That(Measure(filters), Is.LessThan(few + 8192));
    }

    private long Measure(JobFilter[] filters)
    {
        long Once()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            foreach (JobFilter filter in filters)
            {
                Store.Jobs.List(filter);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Once();
        return Once();
    }

    private static IEnumerable<string> Kept(MoorchehStore store, List<string> ids) => ids.Where(id => store.Jobs.Find(id) is not null);
}
