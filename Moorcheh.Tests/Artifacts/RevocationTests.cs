using Moorcheh.Artifacts;
using Moorcheh.Diagnostics;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Artifacts;

/// <summary>A delete ends the ingests of the same artifact first, whatever they are at, and nothing of them stays.</summary>
internal sealed class RevocationTests : ArtifactFixture
{
    private const int Chunks = 2000;

    private async Task AssertNothingStaysAsync(ArtifactTaskStatus ingest, ArtifactTaskStatus delete)
    {
        ArtifactTaskStatus revoked = Artifacts.FindTask(ingest.JobId)!;
        Assert.That((revoked.TaskState, revoked.LastError, revoked.FinishedAt.HasValue), Is.EqualTo((ArtifactTaskState.Revoked, (string?)null, true)), "Before the delete is answered.");
        Embedder.Release();
        CrashPoints.Reached = null;
        await EndedAsync(delete, ArtifactTaskState.Success);
        Assert.That(delete.JobId, Is.Not.EqualTo(ingest.JobId));
        Assert.That(await ListAsync("docs"), Is.Empty);
        Assert.That(await ReadTextAsync("docs", "a"), Is.Null);
        if (Store.FindNamespace("docs") is not null)
        {
            Assert.That(await SearchAsync("docs", "line0"), Is.Empty);
            Assert.That(await Store.ListIdsAsync("docs"), Is.Empty);
        }

        StoreStatus status = Store.GetStatus();
        Assert.That((status.Items, status.ReservedItems, status.RunningJobs), Is.EqualTo((0L, 0L, 0)));
        Assert.That(await Artifacts.FindResultAsync(ingest.JobId), Is.Null);
        await ReopenAsync();
        Assert.That(Artifacts.FindTask(ingest.JobId), Is.EqualTo(revoked));
        Assert.That((Items, await ListAsync("docs")), Is.EqualTo((0L, Array.Empty<string>())));
    }

    [Test]
    public async Task Delete_WhileTheIngestIsQueued_RevokesIt()
    {
        Embedder.Block();
        for (int i = 0; i < Store.Options.Artifacts.Workers; i++)
        {
            await Artifacts.StartIngestAsync(Text("busy", $"{i}", "keeps a worker"));
        }

        await Embedder.CallsBegunAsync(Store.Options.Artifacts.Workers);
        ArtifactTaskStatus ingest = await Artifacts.StartIngestAsync(Text("docs", "a", Lines(Chunks)));
        Assert.That(Artifacts.FindTask(ingest.JobId)!.TaskState, Is.EqualTo(ArtifactTaskState.Pending));
        ArtifactTaskStatus delete = await Artifacts.StartDeleteAsync("docs", "a");
        Assert.That(Artifacts.FindTask(ingest.JobId)!.TaskState, Is.EqualTo(ArtifactTaskState.Revoked));
        Embedder.Release();
        await EndedAsync(delete, ArtifactTaskState.Success);
        for (int i = 0; i < Store.Options.Artifacts.Workers; i++)
        {
            while (await ReadTextAsync("busy", $"{i}").ContinueWith(read => read.IsFaulted || read.Result is null, TaskScheduler.Default))
            {
                await Task.Delay(5, Token);
            }
        }

        await (await Store.DeleteNamespaceAsync("busy")).WaitAsync(Token);
        await AssertNothingStaysAsync(ingest, delete);
        Assert.That(Embedder.Calls.SelectMany(call => call), Has.None.StartsWith("line0 "));
    }

    [Test]
    public async Task Delete_WhileTheIngestIsEmbedding_RevokesIt([Values] bool ignoresCancellation)
    {
        Embedder.IgnoresCancellation = ignoresCancellation;
        Embedder.OnCall = texts =>
        {
            if (texts[0].StartsWith("line1000 ", StringComparison.Ordinal))
            {
                Embedder.Block();
            }
        };
        ArtifactTaskStatus ingest = await Artifacts.StartIngestAsync(Text("docs", "a", Lines(Chunks)));
        await Embedder.CallsBegunAsync(101);
        Assert.That(Artifacts.FindTask(ingest.JobId)!.TaskState, Is.EqualTo(ArtifactTaskState.Started));
        Embedder.OnCall = null;
        await AssertNothingStaysAsync(ingest, await Artifacts.StartDeleteAsync("docs", "a"));
    }

    /// <summary>All chunks are embedded and in the journal; only the entry that makes them count is missing.</summary>
    [Test]
    public async Task Delete_WhileTheIngestIsPersisting_RevokesIt()
    {
        using var staged = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        CrashPoints.Reached = point =>
        {
            if (point == CrashPoints.ArtifactStaged)
            {
                staged.Set();
                go.Wait(Token);
            }
        };
        ArtifactTaskStatus ingest = await Artifacts.StartIngestAsync(Text("docs", "a", Lines(Chunks)));
        staged.Wait(Token);
        ArtifactTaskStatus delete = await Artifacts.StartDeleteAsync("docs", "a");
        go.Set();
        await AssertNothingStaysAsync(ingest, delete);
    }

    /// <summary>From the moment the entry that stores it is in the journal an ingest has succeeded: the delete removes what it stored.</summary>
    [Test]
    public async Task Delete_WhileTheIngestIsBeingMadeVisible_ComesAfterIt()
    {
        using var storing = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        CrashPoints.Reached = point =>
        {
            if (point == CrashPoints.ArtifactStoring && !storing.IsSet)
            {
                storing.Set();
                go.Wait(Token);
            }
        };
        ArtifactTaskStatus ingest = await Artifacts.StartIngestAsync(Text("docs", "a", Lines(100)));
        storing.Wait(Token);
        ArtifactTaskStatus delete = await Artifacts.StartDeleteAsync("docs", "a");
        go.Set();
        await EndedAsync(ingest, ArtifactTaskState.Success);
        await EndedAsync(delete, ArtifactTaskState.Success);
        Assert.That((Items, await ListAsync("docs")), Is.EqualTo((0L, Array.Empty<string>())));
    }

    [Test]
    public async Task Delete_WithAnEarlierVersion_RemovesThatToo()
    {
        await Artifacts.IngestAsync(Text("docs", "a", Lines(30, "old")));
        Embedder.Block();
        ArtifactTaskStatus ingest = await Artifacts.StartIngestAsync(Text("docs", "a", Lines(60)));
        await Embedder.CallsBegunAsync(4);
        await AssertNothingStaysAsync(ingest, await Artifacts.StartDeleteAsync("docs", "a"));
    }

    [Test]
    public async Task Delete_OfAnotherArtifactOrCollection_LeavesTheIngestAlone()
    {
        Embedder.Block();
        ArtifactTaskStatus ingest = await Artifacts.StartIngestAsync(Text("docs", "a", Lines(30)));
        await Embedder.CallsBegunAsync(1);
        ArtifactTaskStatus other = await Artifacts.StartDeleteAsync("docs", "b");
        ArtifactTaskStatus elsewhere = await Artifacts.StartDeleteAsync("other", "a");
        Assert.That((await EndedAsync(other, ArtifactTaskState.Failure)).LastError, Is.EqualTo("VectorArtifactIndex for artifact=b is not initialized."));
        await EndedAsync(elsewhere, ArtifactTaskState.Failure);
        Embedder.Release();
        await EndedAsync(ingest, ArtifactTaskState.Success);
    }

    [Test]
    public async Task Delete_ThenIngestAtOnce_RunInThatOrder()
    {
        await Artifacts.IngestAsync(Text("docs", "a", "old"));
        ArtifactTaskStatus delete = await Artifacts.StartDeleteAsync("docs", "a");
        ArtifactTaskStatus ingest = await Artifacts.StartIngestAsync(Text("docs", "a", "old"));
        await EndedAsync(delete, ArtifactTaskState.Success);
        Assert.That((await EndedAsync(ingest, ArtifactTaskState.Success)).IsSkipped, Is.False);
        Assert.That(await ReadTextAsync("docs", "a"), Is.EqualTo("old"));
    }

    [Test]
    public async Task SyncIngest_ThatIsRevoked_Throws()
    {
        Embedder.Block();
        Task<ArtifactInfo?> ingest = Artifacts.IngestAsync(Text("docs", "a", "text"));
        await Embedder.CallsBegunAsync(1);
        await EndedAsync(await Artifacts.StartDeleteAsync("docs", "a"), ArtifactTaskState.Success);
        await RefusedAsync(() => ingest, ErrorCodes.ArtifactRevoked, "Ingestion of artifact 'a' was revoked by a delete request.");
    }

    [Test]
    public async Task SyncIngest_WaitCancelled_GoesOn()
    {
        Embedder.Block();
        using var hangUp = new CancellationTokenSource();
        Task<ArtifactInfo?> ingest = Artifacts.IngestAsync(Text("docs", "a", "text"), hangUp.Token);
        await Embedder.CallsBegunAsync(1);
        await hangUp.CancelAsync();
        Assert.That(async () => await ingest, Throws.InstanceOf<OperationCanceledException>());
        Task<ArtifactInfo?> next = Artifacts.IngestAsync(Text("docs", "a", "text"));
        Embedder.Release();
        Assert.That(await next, Is.Null, "The first one stored it.");
    }

    [Test]
    public async Task SyncDelete_WhileAnIngestRuns_IsRefused()
    {
        await Artifacts.IngestAsync(Text("docs", "a", "old"));
        Embedder.Block();
        ArtifactTaskStatus ingest = await Artifacts.StartIngestAsync(Text("docs", "a", "new"));
        const string Busy = "VectorArtifactIndex for artifact=a is being populated.";
        await RefusedAsync(() => Artifacts.DeleteAsync("docs", "a"), ErrorCodes.ArtifactBusy, Busy);
        ArtifactTaskStatus first = await Artifacts.StartIngestAsync(Text("docs", "first", "new"));
        await RefusedAsync(() => Artifacts.ReadAsync("docs", "first"), ErrorCodes.ArtifactBusy, Busy.Replace("=a", "=first", StringComparison.Ordinal));
        Assert.That(await ReadTextAsync("docs", "a"), Is.EqualTo("old"));
        Embedder.Release();
        await EndedAsync(ingest, ArtifactTaskState.Success);
        await EndedAsync(first, ArtifactTaskState.Success);
        await Artifacts.DeleteAsync("docs", "a");
        await RefusedAsync(() => Artifacts.DeleteAsync("docs", "a"), ErrorCodes.ArtifactNotFound, "VectorArtifactIndex for artifact=a is not initialized.");
        await RefusedAsync(() => Artifacts.DeleteAsync("unknown", "a"), ErrorCodes.ArtifactNotFound, "VectorArtifactIndex for artifact=a is not initialized.");
    }

    /// <summary>Many callers on few artifacts at once: every task ends, and what is listed is what was stored last.</summary>
    [Test]
    public async Task AnyOrder_EveryTaskEndsAndCountsAddUp()
    {
        var random = new Random(11);
        List<ArtifactTaskStatus> tasks = [];
        for (int i = 0; i < 200; i++)
        {
            string artifact = $"a{random.Next(4)}";
            string collection = random.Next(2) == 0 ? "docs" : "hidden one";
            tasks.Add(random.Next(3) == 0
                ? await Artifacts.StartDeleteAsync(collection, artifact)
                : await Artifacts.StartIngestAsync(Text(collection, artifact, Lines(random.Next(1, 30), $"v{i}x"))));
            if (random.Next(4) == 0)
            {
                await Task.Delay(random.Next(5), Token);
            }
        }

        foreach (ArtifactTaskStatus task in tasks)
        {
            await Artifacts.WaitAsync(task.JobId, Token);
        }

        long chunks = 0;
        foreach (string collection in (string[])["docs", "hidden one"])
        {
            foreach (string artifact in (string[])["a0", "a1", "a2", "a3"])
            {
                ArtifactTaskStatus? last = tasks.Select(task => Artifacts.FindTask(task.JobId)!)
                    .LastOrDefault(task => task.NamespaceName == collection && task.Artifact == artifact && task.TaskState == ArtifactTaskState.Success);
                ArtifactContent? content = await Artifacts.ReadAsync(collection, artifact);
                Assert.That(content is not null, Is.EqualTo(last?.IsIngest == true), $"{collection}/{artifact}");
                chunks += content?.Chunks.Count ?? 0;
                if (content is not null)
                {
                    Assert.That(await Artifacts.FindResultAsync(last!.JobId), Is.EqualTo(content.Info));
                }
            }
        }

        StoreStatus status = Store.GetStatus();
        Assert.That((status.Items, status.ReservedItems, status.RunningJobs), Is.EqualTo((chunks, 0L, 0)));
    }
}
