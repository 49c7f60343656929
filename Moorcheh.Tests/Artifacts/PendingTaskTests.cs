using Moorcheh.Artifacts;
using Moorcheh.Tests.Callbacks;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Artifacts;

/// <summary>Unfinished deletes and what callers want told of them take memory: there is a limit for both.</summary>
internal sealed class PendingTaskTests : CallbackFixture
{
    private static readonly ArtifactCallback Large = Plain with { Properties = Metadata("x", new string('p', 60_000)) };

    [Test]
    public async Task Deletes_TooMany_AreRefusedUntilSomeHaveEnded()
    {
        await ReopenAsync(options =>
        {
            options.Artifacts.Workers = 1;
            options.Artifacts.MaxPendingTasks = 2;
            options.Artifacts.MaxPendingDeletes = 3;
        });
        await HoldAsync();
        for (int i = 0; i < 3; i++)
        {
            await Artifacts.StartDeleteAsync("docs", "a");
        }

        await RefusedAsync(() => Artifacts.StartDeleteAsync("docs", "a"), ErrorCodes.QueueFull, "Task queue is full (3 deletes waiting of 3).");
        await RefusedAsync(() => Artifacts.DeleteAsync("docs", "a"), ErrorCodes.QueueFull, "Task queue is full (3 deletes waiting of 3).");
        Embedder.Release();
        await UntilAsync(() => Store.GetStatus().RunningJobs == 0);
        await EndedAsync(await Artifacts.StartDeleteAsync("docs", "a"), ArtifactTaskState.Failure);
    }

    [Test]
    public async Task Callbacks_TooManyBytes_AreRefusedAndCountedAfterACrash()
    {
        await ReopenAsync(options =>
        {
            options.Artifacts.Workers = 1;
            options.Artifacts.MaxPendingCallbackBytes = 200_000;
        });
        await HoldAsync();
        int accepted = 0;
        MoorchehException refusal = await RefusedAsync(
            async () =>
            {
                for (; accepted < 10; accepted++)
                {
                    await Artifacts.StartDeleteAsync("docs", "a", Large);
                }
            },
            ErrorCodes.QueueFull);
        Assert.That(accepted, Is.EqualTo(3));
        Assert.That(refusal.Message, Does.Match(@"^Task queue is full \(18\d{4} bytes of callbacks waiting of 200000\)\.$"));
        await RefusedAsync(() => Artifacts.StartIngestAsync(Text("docs", "b", "x"), Large), ErrorCodes.QueueFull);
        await Artifacts.StartDeleteAsync("docs", "a"); // Without a callback it takes none of it.

        using var copy = new TemporaryDirectory();
        foreach (bool hasCheckpoint in (bool[])[false, true])
        {
            if (hasCheckpoint)
            {
                await Store.CheckpointAsync(Token);
            }

            CrashCopy.Take(Data.Path, copy.Path);
            using var embedder = new TestEmbedder();
            embedder.Block();
            MoorchehOptions options = Options();
            options.Embedding.Generator = embedder;
            options.Artifacts.Workers = 1;
            options.Artifacts.MaxPendingCallbackBytes = 200_000;
            await using MoorchehStore crashed = await TestStore.OpenAsync(copy, options);
            await embedder.CallsBegunAsync(1).WaitAsync(Token);
            Assert.That((await RefusedAsync(() => crashed.Artifacts.StartDeleteAsync("docs", "a", Large), ErrorCodes.QueueFull)).Message, Is.EqualTo(refusal.Message));
            embedder.Release();
            await UntilAsync(() => crashed.GetStatus() is { RunningJobs: 0, WaitingCallbacks: 0 });
            for (int i = 0; i < 5; i++)
            {
                await crashed.Artifacts.WaitAsync((await crashed.Artifacts.StartDeleteAsync("docs", "a", Large)).JobId, Token);
            }
        }

        Embedder.Release();
        await UntilAsync(() => Store.GetStatus().RunningJobs == 0);
        await EndedAsync(await Artifacts.StartDeleteAsync("docs", "a", Large), ArtifactTaskState.Failure);
    }

    [Test]
    public async Task Callbacks_BrokerIsAway_TasksThatWantMessagesAreRefusedInTheEnd()
    {
        await ReopenAsync(options => options.Artifacts.MaxWaitingCallbacks = 2);
        bool isOpen = false;
        Publisher.OnPublish = (_, _) => Volatile.Read(ref isOpen) ? Task.CompletedTask : throw new IOException("No broker.");
        for (int i = 0; i < 4; i++)
        {
            await EndedAsync(await Artifacts.StartDeleteAsync("docs", "none", Plain), ArtifactTaskState.Failure);
        }

        await RefusedAsync(() => Artifacts.StartDeleteAsync("docs", "none", Plain), ErrorCodes.QueueFull, "Callback queue is full (4 messages waiting of 4).");
        await EndedAsync(await Artifacts.StartDeleteAsync("docs", "none"), ArtifactTaskState.Failure);
        Volatile.Write(ref isOpen, true);
        await SentAsync();
        await EndedAsync(await Artifacts.StartDeleteAsync("docs", "none", Plain), ArtifactTaskState.Failure);
    }

    /// <summary>The only worker has an ingest whose embedder does not come back.</summary>
    private async Task HoldAsync()
    {
        Embedder.Block();
        await Artifacts.StartIngestAsync(Text("docs", "held", "x"));
        await Embedder.CallsBegunAsync(1).WaitAsync(Token);
    }
}
