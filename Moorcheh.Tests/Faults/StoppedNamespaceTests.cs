using System.Globalization;
using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts;
using Moorcheh.Diagnostics;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Faults;

/// <summary>A namespace that is stopped ends all checkpoints: that is seen, the journal has a limit, and an opening needs no more memory for a longer one.</summary>
[Category("Faults")]
[NonParallelizable]
[CancelAfter(120_000)]
internal sealed class StoppedNamespaceTests
{
    private const int Dimension = 1024;
    private const long MaxJournal = 4 << 20;

    [TearDown]
    public void Forget() => CrashPoints.Reached = null;

    [Test]
    public async Task Stopped_IsSeenAndUploadsEndAtTheLimitOfTheJournal()
    {
        using var directory = new TemporaryDirectory();
        await using (TestServer server = await StartAsync(directory))
        {
            await server.Api.CreateAsync("bad", 2);
            await server.Api.CreateAsync("good", Dimension);
            int pass = 1;
            CrashPoints.Reached = point =>
            {
                if (point == CrashPoints.JobChanging && Interlocked.Decrement(ref pass) == 0)
                {
                    throw new IOException("No room.");
                }
            };
            (await server.Api.PostAsync("/namespaces/bad/vectors", """{"vectors":[{"id":"a","vector":[1,0]}]}""")).AssertStatus(202);
            await UntilAsync(() => server.Store.GetStatus().StoppedNamespaces.Count == 1 && server.Log.Entries.Any(IsStopped));
            ApiAnswer health = await server.Api.GetAsync("/health");
            Assert.That(health.String("status"), Is.EqualTo("degraded"));
            Assert.That(health["problems"][0].GetString(), Is.EqualTo("Namespace 'bad' takes no changes until the store is opened again: No room."));
            Assert.That((await server.Api.GetAsync("/metrics")).Text, Does.Contain("moorcheh_stopped_namespaces 1\n"));

            int stored = 0;
            MoorchehException? refusal = null;
            for (; refusal is null; stored++)
            {
                Assert.That(stored, Is.LessThan(100), "Half as many fill the journal.");
                try
                {
                    await server.Store.StoreAsync("good", TestVectors.Items(stored, 20, Dimension, $"{stored}-"));
                }
                catch (MoorchehException e)
                {
                    refusal = e;
                }
            }

            stored--;
            Assert.That((refusal.Code, refusal.Facts["MaxJournalBytes"]), Is.EqualTo((ErrorCodes.JournalFull, MaxJournal)));
            long bytes = (long)refusal.Facts["JournalBytes"];
            Assert.That(bytes, Is.InRange(MaxJournal, MaxJournal + (1 << 20)));
            Assert.That(refusal.Message, Is.EqualTo($"The journal has {bytes} bytes of {MaxJournal} and waits for a checkpoint; nothing was stored."));
            ApiAnswer refused = await server.Api.PostAsync("/namespaces/good/vectors", new { vectors = new[] { new { id = "x", vector = new float[Dimension] } } });
            refused.AssertStatus(507);
            Assert.That((refused.String("code"), refused.Number("journal_bytes"), refused.Number("max_journal_bytes")), Is.EqualTo(("journal-full", bytes, MaxJournal)));
            health = await server.Api.GetAsync("/health");
            Assert.That(health["problems"].EnumerateArray().Select(problem => problem.GetString()), Has.Some.StartsWith($"The journal has {bytes} bytes of {MaxJournal}"));

            // What frees something goes on, and so do searches.
            Assert.That((await server.Store.DeleteItemsAsync("good", ["0-0"])).DeletedIds, Is.EqualTo((string[])["0-0"]));
            Assert.That(await server.Store.ListIdsAsync("good"), Has.Count.EqualTo((stored * 20) - 1));
            Assert.That(server.Log.Entries.Count(IsStopped), Is.EqualTo(1));
            await UntilAsync(() => server.Log.Entries.Any(IsFailedCheckpoint));
            Assert.That(server.Log.Entries.Count(IsFailedCheckpoint), Is.EqualTo(1));
            CrashPoints.Reached = null;
        }

        await using TestServer again = await StartAsync(directory);
        Assert.That(again.Store.GetStatus().StoppedNamespaces, Is.Empty);
        Assert.That(again.Store.GetNamespace("bad").ItemCount, Is.EqualTo(1));
        await InsistAsync(again.Store, TestVectors.Items(1, 20, Dimension, "new"));
        Assert.That((await again.Api.GetAsync("/health")).String("status"), Is.EqualTo("ok"));

        static bool IsFailedCheckpoint((LogLevel Level, string Message, Exception? Exception) entry) =>
            entry.Message.StartsWith("Background work 'checkpoints' failed", StringComparison.Ordinal);

        static bool IsStopped((LogLevel Level, string Message, Exception? Exception) entry) =>
            entry.Level == LogLevel.Critical && entry.Message.StartsWith("Namespace bad takes no changes", StringComparison.Ordinal);
    }

    /// <summary>The limit is not for stores that are well: checkpoints cut the journal before uploads wait for long.</summary>
    [Test]
    public async Task Healthy_JournalOfManyTimesTheLimit_GoesThrough()
    {
        using var directory = new TemporaryDirectory();
        MoorchehOptions options = Options();
        options.Storage.MaxJournalBytes = MaxJournal;
        options.Storage.CheckpointJournalBytes = 1 << 20;
        options.Disk = new VolatileDisk();
        await using MoorchehStore store = await OpenAsync(directory, options);
        await store.CreateNamespaceAsync("good", NamespaceKind.Vector, Dimension);
        for (int i = 0; i < 5; i++)
        {
            await InsistAsync(store, TestVectors.Items(i, 800, Dimension));
        }

        Assert.That(store.GetNamespace("good").ItemCount, Is.EqualTo(800));
        await UntilAsync(() => store.GetStatus().JournalBytes < MaxJournal);
        Assert.That(store.GetStatus().Problems, Is.Empty);
    }

    /// <summary>The journal is kept for an ingest that waits: it must be able to end, or nothing could be stored any more.</summary>
    [Test]
    public async Task Full_ForAnIngestThatWaits_TheIngestGoesOn()
    {
        using var directory = new TemporaryDirectory();
        using var embedder = new TestEmbedder();
        MoorchehOptions options = Options(embedder);
        options.Storage.MaxJournalBytes = MaxJournal;
        options.Storage.CheckpointJournalBytes = 1 << 20;
        options.Artifacts.Workers = 1;
        options.Disk = new VolatileDisk();
        await using MoorchehStore store = await OpenAsync(directory, options);
        await store.CreateNamespaceAsync("good", NamespaceKind.Vector, Dimension);
        embedder.Block();
        ArtifactTaskStatus first = await store.Artifacts.StartIngestAsync(new ArtifactIngest("pets", "cat", ArtifactInput.FromText("The cat sleeps.")));
        await embedder.CallsBegunAsync(1);
        ArtifactTaskStatus waiting = await store.Artifacts.StartIngestAsync(new ArtifactIngest("pets", "dog", ArtifactInput.FromText("The dog runs.")));
        MoorchehException? refusal = null;
        for (int i = 0; refusal is null; i++)
        {
            Assert.That(i, Is.LessThan(200), "Fewer fill the journal.");
            try
            {
                await store.StoreAsync("good", TestVectors.Items(i, 20, Dimension, $"{i}-"));
            }
            catch (MoorchehException e)
            {
                refusal = e;
            }
        }

        Assert.That(refusal.Code, Is.EqualTo(ErrorCodes.JournalFull));
        embedder.Release();
        foreach (ArtifactTaskStatus task in (ArtifactTaskStatus[])[first, waiting])
        {
            ArtifactTaskStatus ended = (await store.Artifacts.WaitAsync(task.JobId, Token))!;
            Assert.That(ended.TaskState, Is.EqualTo(ArtifactTaskState.Success), ended.LastError);
        }

        await InsistAsync(store, TestVectors.Items(999, 20, Dimension, "new"));
    }

    /// <summary>The vectors of texts are in the journal's entries of progress, which replay used to hold all at once.</summary>
    [Test]
    public async Task Replay_OfALongJournal_TakesMemoryForAFewPagesOnly()
    {
        const int Wide = 16_384;
        const int Texts = 64;
        const int Rounds = 32; // 128 MiB of vectors.
        using var directory = new TemporaryDirectory();
        using var copy = new TemporaryDirectory();
        using var embedder = new TestEmbedder(Wide);
        MoorchehOptions options = Options(embedder);
        options.Disk = new VolatileDisk();
        options.TimeProvider = new ManualTimeProvider(); // It stands still: no checkpoint cuts the journal.
        await using (MoorchehStore store = await OpenAsync(directory, options))
        {
            await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
            for (int round = 0; round < Rounds; round++)
            {
                await store.StoreAsync("docs", TextDocuments(Texts));
            }

            long journal = Directory.EnumerateFiles(Path.Combine(directory.Path, "journal"), "journal.log.*").Sum(file => new FileInfo(file).Length);
            Assert.That(journal, Is.GreaterThan((long)Rounds * Texts * Wide * sizeof(float)));
            CrashCopy.Take(directory.Path, copy.Path);
        }

        await using SidecarProcess sidecar = await SidecarProcess.StartAsync(
            copy.Path, "--embedding-provider", "none", "--memory-budget-bytes", (32 << 20).ToString(CultureInfo.InvariantCulture));
        Assert.That((await sidecar.Api.GetAsync("/health")).Number("items"), Is.EqualTo(Texts));
        TestContext.Out.WriteLine($"Peak: {sidecar.PeakMemoryKiB / 1024} MiB.");
        Assert.That(sidecar.PeakMemoryKiB / 1024, Is.LessThan(220));
    }

    private static Task<TestServer> StartAsync(TemporaryDirectory directory) => TestServer.StartAsync(
        host =>
        {
            host.Store.Storage.MemoryBudgetBytes = 32 << 20;
            host.Store.Storage.MaxJournalBytes = MaxJournal;
            host.Store.Storage.CheckpointJournalBytes = 1 << 20;
            host.Store.Disk = new VolatileDisk();
        },
        directory: directory.Path);

    private static async Task InsistAsync(MoorchehStore store, VectorItem[] items)
    {
        while (true)
        {
            try
            {
                await store.StoreAsync("good", items);
                return;
            }
            catch (MoorchehException e) when (e.Code == ErrorCodes.JournalFull)
            {
                await Task.Delay(50, Token);
            }
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(20, Token);
        }
    }
}
