using Moorcheh.Artifacts;
using Moorcheh.Diagnostics;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Artifacts;

/// <summary>
/// The files are copied at each named place between the steps, as a kill at that moment would leave them, and the copy is opened: every task
/// that was accepted ends, an artifact is there as a whole or not at all, and nothing is stored twice.
/// </summary>
internal sealed class ArtifactCrashTests : ArtifactFixture
{
    private const string Hidden = "hidden one";

    private static IEnumerable<TestCaseData> Points() =>
        CrashPoints.Artifacts.SelectMany(_ => new[] { 1, 2, 4 }, (point, pass) => new TestCaseData(point, pass));

    [TestCaseSource(nameof(Points))]
    public async Task Kill_AtEachPoint_TasksEndAndArtifactsAreWhole(string point, int pass)
    {
        using var copy = new TemporaryDirectory();
        int left = pass;
        var accepted = new List<ArtifactTaskStatus>();
        List<ArtifactTaskStatus> before = [];
        CrashPoints.Reached = reached =>
        {
            if (reached == point && Interlocked.Decrement(ref left) == 0)
            {
                lock (accepted)
                {
                    before = [.. accepted.Select(task => Artifacts.FindTask(task.JobId)!)];
                }

                CrashCopy.Take(Data.Path, copy.Path);
            }
        };
        await RunAsync(accepted);
        Assert.That(left, Is.LessThanOrEqualTo(0), "The point was not reached.");
        CrashPoints.Reached = null;

        await using MoorchehStore crashed = await TestStore.OpenAsync(copy, Options());
        foreach (ArtifactTaskStatus was in before)
        {
            ArtifactTaskStatus? now = await crashed.Artifacts.WaitAsync(was.JobId, Token);
            Assert.That(now, Is.Not.Null, "An accepted task is lost.");
            if (was.FinishedAt is not null)
            {
                Assert.That(now, Is.EqualTo(was));
            }

            Assert.That(now!.TaskState, Is.AnyOf(ArtifactTaskState.Success, ArtifactTaskState.Failure, ArtifactTaskState.Revoked));
        }

        // Tasks the copy knows although nobody was told of them yet end, too.
        while (crashed.GetStatus().RunningJobs > 0)
        {
            await Task.Delay(5, Token);
        }

        long chunks = 0;
        foreach (string collection in (string[])["docs", Hidden])
        {
            foreach (ArtifactInfo info in await crashed.Artifacts.ListAsync(collection))
            {
                ArtifactContent content = (await crashed.Artifacts.ReadAsync(collection, info.Artifact))!;
                string text = string.Concat(content.Chunks.Select(chunk => chunk.Text));
                Assert.That(Versions.Contains(text), "Not one version as a whole.");
                chunks += content.Chunks.Count;
            }
        }

        StoreStatus status = crashed.GetStatus();
        Assert.That((status.Items, status.ReservedItems), Is.EqualTo((chunks, 0L)));
        await crashed.Artifacts.IngestAsync(Text(Hidden, "after", "still works"));
    }

    private static readonly HashSet<string> Versions = [Lines(15, "one"), Lines(25, "two"), "failing", "short"];

    private async Task RunAsync(List<ArtifactTaskStatus> accepted)
    {
        async Task AddAsync(Task<ArtifactTaskStatus> task)
        {
            ArtifactTaskStatus status = await task;
            lock (accepted)
            {
                accepted.Add(status);
            }
        }

        await AddAsync(Artifacts.StartIngestAsync(Text("docs", "a", Lines(15, "one"))));
        await AddAsync(Artifacts.StartIngestAsync(Text(Hidden, "b", Lines(15, "one"))));
        await AddAsync(Artifacts.StartIngestAsync(Text("docs", "a", Lines(25, "two"))));
        await AddAsync(Artifacts.StartIngestAsync(Text("docs", "empty", "")));
        await AddAsync(Artifacts.StartDeleteAsync("docs", "absent"));
        await WaitAllAsync(accepted);
        await Store.CheckpointAsync(Token);
        await AddAsync(Artifacts.StartDeleteAsync(Hidden, "b"));
        await AddAsync(Artifacts.StartIngestAsync(Text(Hidden, "b", "short")));
        await AddAsync(Artifacts.StartDeleteAsync("docs", "a"));
        await AddAsync(Artifacts.StartIngestAsync(Text("docs", "c", Lines(25, "two"))));
        await AddAsync(Artifacts.StartDeleteAsync("docs", "c"));
        await AddAsync(Artifacts.StartIngestAsync(Text("docs", "c", "short")));
        await AddAsync(Artifacts.StartIngestAsync(Text("docs", "d", "")));
        await AddAsync(Artifacts.StartIngestAsync(Text("docs", "c", "short")));
        await AddAsync(Artifacts.StartDeleteAsync("docs", "absent"));
        await WaitAllAsync(accepted);
        await AddAsync(Artifacts.StartDeleteAsync(Hidden, "b"));
        await AddAsync(Artifacts.StartDeleteAsync("docs", "c"));
        await WaitAllAsync(accepted);
    }

    private async Task WaitAllAsync(List<ArtifactTaskStatus> accepted)
    {
        foreach (ArtifactTaskStatus task in accepted)
        {
            await Artifacts.WaitAsync(task.JobId, Token);
        }
    }

    /// <summary>A checkpoint in the middle of an ingest keeps what the journal must still have.</summary>
    [Test]
    public async Task Kill_AfterCheckpointsDuringAnIngest_ItStartsAnew()
    {
        Embedder.OnCall = texts =>
        {
            if (texts[0].StartsWith("line20 ", StringComparison.Ordinal))
            {
                Embedder.Block();
            }
        };
        ArtifactTaskStatus task = await Artifacts.StartIngestAsync(Text("docs", "a", Lines(30), """{"k":"v"}"""));
        ArtifactTaskStatus waiting = await Artifacts.StartDeleteAsync("docs", "absent");
        await Embedder.CallsBegunAsync(3);
        for (int i = 0; i < 3; i++)
        {
            await Store.CreateNamespaceAsync($"n{i}", NamespaceKind.Text);
            await Store.CheckpointAsync(Token);
        }

        using var copy = new TemporaryDirectory();
        CrashCopy.Take(Data.Path, copy.Path);
        Embedder.OnCall = null;
        Embedder.Release();
        await EndedAsync(task, ArtifactTaskState.Success);
        await using MoorchehStore crashed = await TestStore.OpenAsync(copy, Options());
        Assert.That((await crashed.Artifacts.WaitAsync(task.JobId, Token))!.TaskState, Is.EqualTo(ArtifactTaskState.Success));
        Assert.That(crashed.Artifacts.FindTask(waiting.JobId), Is.Not.Null);
        Assert.That(await crashed.Artifacts.FindResultAsync(task.JobId), Is.EqualTo(await Artifacts.FindResultAsync(task.JobId)));
        Assert.That((await crashed.Artifacts.ReadAsync("docs", "a"))!.Chunks, Has.Count.EqualTo(30));
        Assert.That(crashed.GetStatus().Items, Is.EqualTo(30));
    }

    [Test]
    public async Task Reopen_KeepsArtifactsTasksAndResults()
    {
        ArtifactTaskStatus done = await EndedAsync(await Artifacts.StartIngestAsync(Text("docs", "a", Lines(12))), ArtifactTaskState.Success);
        ArtifactTaskStatus failed = await EndedAsync(await Artifacts.StartIngestAsync(Text("docs", "b", "")), ArtifactTaskState.Failure);
        ArtifactTaskStatus skipped = await EndedAsync(await Artifacts.StartIngestAsync(Text("docs", "a", Lines(12))), ArtifactTaskState.Success);
        ArtifactInfo? result = await Artifacts.FindResultAsync(done.JobId);
        Embedder.Block();
        ArtifactTaskStatus running = await Artifacts.StartIngestAsync(Text("docs", "c", Lines(11)));
        await Embedder.CallsBegunAsync(3);
        await ReopenAsync();
        Assert.That(Artifacts.FindTask(done.JobId), Is.EqualTo(done));
        Assert.That(Artifacts.FindTask(failed.JobId), Is.EqualTo(failed));
        Assert.That(Artifacts.FindTask(skipped.JobId), Is.EqualTo(skipped));
        Assert.That(await Artifacts.FindResultAsync(done.JobId), Is.EqualTo(result));
        Assert.That(await ListAsync("docs"), Is.EqualTo((string[])["a"]));
        Embedder.Release();
        await EndedAsync(running, ArtifactTaskState.Success);
        Assert.That(await ReadTextAsync("docs", "c"), Is.EqualTo(Lines(11)));
        Assert.That(Items, Is.EqualTo(23));
    }

    [Test]
    public async Task CommitFails_OfAnAcceptance_IsTriedAgainUntilItIsKnown()
    {
        await Artifacts.IngestAsync(Text("docs", "a", "old"));
        Embedder.Block();
        ArtifactTaskStatus ingest = await Artifacts.StartIngestAsync(Text("docs", "a", "new"));
        await Embedder.CallsBegunAsync(2);
        int left = 1;
        CrashPoints.Reached = point =>
        {
            if (point == CrashPoints.JournalCommitting && Interlocked.Decrement(ref left) == 0)
            {
                throw new IOException("No room.");
            }
        };
        ArtifactTaskStatus delete = await Artifacts.StartDeleteAsync("docs", "a");
        Assert.That(delete.IsAccepted, Is.True);
        Embedder.Release();
        await EndedAsync(ingest, ArtifactTaskState.Revoked);
        using var copy = new TemporaryDirectory();
        CrashCopy.Take(Data.Path, copy.Path); // No commit came after the one that succeeded, unless the delete has ended.
        await using MoorchehStore crashed = await TestStore.OpenAsync(copy, Options());
        Assert.That(crashed.Artifacts.FindTask(ingest.JobId)!.TaskState, Is.EqualTo(ArtifactTaskState.Revoked));
        Assert.That((await crashed.Artifacts.WaitAsync(delete.JobId, Token))!.TaskState, Is.EqualTo(ArtifactTaskState.Success));
        Assert.That(await crashed.Artifacts.ListAsync("docs"), Is.Empty);
    }

    [Test]
    public async Task CommitFails_OfAnEnd_IsJournalledOnce([Values("docs", "new one")] string collection)
    {
        await Artifacts.IngestAsync(Text("docs", "a", "old"));
        int left = 0;
        CrashPoints.Reached = point =>
        {
            if (point == CrashPoints.ArtifactStaged)
            {
                Volatile.Write(ref left, 1);
            }

            if (point == CrashPoints.JournalCommitting && Interlocked.Decrement(ref left) == 0)
            {
                throw new IOException("No room.");
            }
        };
        ArtifactTaskStatus ingest = await Artifacts.StartIngestAsync(Text(collection, "a", "new"));
        await EndedAsync(ingest, ArtifactTaskState.Success);
        CrashPoints.Reached = null;
        Assert.That(left, Is.LessThanOrEqualTo(0));
        await Artifacts.IngestAsync(Text(collection, "b", "after"));
        using var copy = new TemporaryDirectory();
        CrashCopy.Take(Data.Path, copy.Path);
        await using MoorchehStore crashed = await TestStore.OpenAsync(copy, Options());
        Assert.That((await crashed.Artifacts.ListAsync(collection)).Select(info => info.Artifact), Is.EqualTo((string[])["a", "b"]));
        Assert.That(crashed.GetStatus().Items, Is.EqualTo(Items));
    }

    [Test]
    public async Task FinishedTasks_AreForgottenLikeJobs()
    {
        await Store.DisposeAsync();
        var clock = new ManualTimeProvider();
        MoorchehOptions options = Options();
        options.TimeProvider = clock;
        options.Storage.CheckpointInterval = TimeSpan.FromSeconds(1);
        Store = await TestStore.OpenAsync(Data, options);
        ArtifactTaskStatus task = await EndedAsync(await Artifacts.StartIngestAsync(Text("docs", "a", "text")), ArtifactTaskState.Success);
        clock.Advance(TimeSpan.FromDays(6));
        Assert.That(Artifacts.FindTask(task.JobId), Is.Not.Null);
        clock.Advance(TimeSpan.FromDays(1.1));
        await clock.AdvanceUntilAsync(() => Artifacts.FindTask(task.JobId) is null, Token);
        Assert.That(await Artifacts.FindResultAsync(task.JobId), Is.Null);
        Assert.That(await ListAsync("docs"), Is.EqualTo((string[])["a"]));
    }

    [Test]
    public async Task Tasks_AreNotListedAsJobs()
    {
        ArtifactTaskStatus task = await EndedAsync(await Artifacts.StartIngestAsync(Text("docs", "a", "text")), ArtifactTaskState.Success);
        Assert.That(Store.Jobs.List(), Is.Empty);
        Assert.That(Store.Jobs.Find(task.JobId), Is.Null);
        Assert.That(Store.Jobs.Find($"job-{Guid.Parse(task.JobId):N}"), Is.Null);
        Assert.That(Artifacts.FindTask(task.JobId.ToUpperInvariant()), Is.Null);
        Assert.That(Artifacts.FindTask("revoked"), Is.Null);
        Assert.That(Guid.Parse(task.JobId).Version, Is.EqualTo(4));
    }
}
