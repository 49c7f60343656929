using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Diagnostics;
using Moorcheh.Jobs;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Faults;

/// <summary>What a store does by itself goes on after every failure, says so once, and shows when it last succeeded.</summary>
[Category("Faults")]
[NonParallelizable]
[CancelAfter(60_000)]
internal sealed class BackgroundLoopTests
{
    private TemporaryDirectory _directory = null!;
    private MoodyDisk _disk = null!;
    private RecordingLogger _log = null!;

    [SetUp]
    public void SetUp()
    {
        _directory = new TemporaryDirectory();
        _disk = new MoodyDisk();
        _log = new RecordingLogger();
    }

    [TearDown]
    public void TearDown()
    {
        CrashPoints.Reached = null;
        _log.Dispose();
        _directory.Dispose();
    }

    /// <summary>Without a reserve file, housekeeping asks in every round whether there is room for one.</summary>
    [Test]
    public async Task FreeSpaceUnknown_ForAWhile_CheckpointsGoOn()
    {
        _disk.Free = new MoorchehOptions().Storage.MinFreeBytes + (1 << 20);
        await using MoorchehStore store = await OpenAsync(_directory, Options());
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        _disk.IsSilent = true;
        int before = _disk.FailedQuestions;
        await UntilAsync(() => _disk.FailedQuestions > before + 4);
        _disk.IsSilent = false;
        string[] manifests = Manifests();
        await store.StoreAsync("emb", TestVectors.Items(1, 5, 4));
        await UntilAsync(() => Manifests().Except(manifests).Any());
    }

    [Test]
    public async Task FreeSpaceUnknown_IsNotFull_AndToldOnce()
    {
        await using MoorchehStore store = await OpenAsync(_directory, Options());
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        _disk.IsSilent = true;
        Assert.That(store.GetStatus().ReadOnlyReason, Is.Null);
        Assert.That(store.GetStatus().FreeBytes, Is.Null);
        Assert.That(store.GetStatus().Problems, Is.Empty);
        await store.StoreAsync("emb", TestVectors.Items(1, 5, 4));
        await store.CheckpointAsync(Token);
        DateTimeOffset then = DateTimeOffset.UtcNow;
        await UntilAsync(() => Rounds(store).All(loop => loop.LastSuccessAt > then));
        Assert.That(Told("How much room is free"), Is.EqualTo(1));
        _disk.IsSilent = false;
        Assert.That(store.GetStatus().FreeBytes, Is.Positive);
        _disk.IsSilent = true;
        Assert.That(store.GetStatus().FreeBytes, Is.Null);
        Assert.That(Told("How much room is free"), Is.EqualTo(2), "Told again after an answer.");
    }

    [Test]
    public async Task Checkpoints_Fail_AreToldOnceAndComeBack()
    {
        await using MoorchehStore store = await OpenAsync(_directory, Options());
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        await store.StoreAsync("emb", TestVectors.Items(1, 5, 4));
        for (int round = 1; round <= 2; round++)
        {
            _disk.StuckSuffix = ".manifest";
            int refused = _disk.RefusedMoves;
            await store.DeleteItemsAsync("emb", [$"v{round}"]);
            await UntilAsync(() => _disk.RefusedMoves >= refused + 3);
            Assert.That(Told("Background work 'checkpoints' failed"), Is.EqualTo(round));
            LoopStatus failing = store.GetStatus().Loops.Single(loop => loop.Name == "checkpoints");
            Assert.That(failing.Failure, Does.Match("'.*manifest' is stuck."));
            Assert.That(store.GetStatus().Problems, Is.EqualTo((string[])[$"Background work 'checkpoints' fails: {failing.Failure}"]));
            await store.StoreAsync("emb", TestVectors.Items(round, 5, 4, "more"));
            _disk.StuckSuffix = null;
            await UntilAsync(() => store.GetStatus().Problems.Count == 0);
            Assert.That(store.GetStatus().Loops.Single(loop => loop.Name == "checkpoints").LastSuccessAt, Is.GreaterThan(failing.LastSuccessAt!.Value));
            Assert.That(Told("Background work 'checkpoints' succeeds again"), Is.EqualTo(round));
        }
    }

    [Test]
    public async Task HealthAndMetrics_ShowEveryLoopAndWhatIsUnknown()
    {
        await using TestServer server = await TestServer.StartAsync(host =>
        {
            host.Store.Disk = _disk;
            host.Store.Storage.CheckpointInterval = TimeSpan.FromSeconds(1);
        });
        await server.Api.CreateAsync("emb", 2);
        await server.Api.UploadVectorsAsync("emb", ("a", [1, 0]));
        await UntilAsync(() => Rounds(server.Store).All(loop => loop.LastSuccessAt is not null));
        ApiAnswer health = await server.Api.GetAsync("/health");
        Assert.That((health.String("status"), health["problems"].GetArrayLength()), Is.EqualTo(("ok", 0)));
        Assert.That(health.Number("free_bytes"), Is.Positive);
        Assert.That(health.Number("journal_bytes"), Is.InRange(0, health.Number("max_journal_bytes")));
        string[] names = [.. health["loops"].EnumerateArray().Select(loop => loop.GetProperty("name").GetString()!)];
        Assert.That(names, Is.EqualTo((string[])["jobs", "tasks", "callbacks", "callback-expiry", "index-maintenance", "housekeeping", "compaction", "checkpoints"]));
        Assert.That(health["loops"][0].GetProperty("last_success").GetString(), Does.Match(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"));
        Assert.That(health["loops"][1].GetProperty("last_success").GetString(), Is.Null, "There was no task.");
        string metrics = (await server.Api.GetAsync("/metrics")).Text;
        Assert.That(metrics, Does.Match(@"(?m)^moorcheh_free_bytes \d+$"));
        foreach (string name in names)
        {
            Assert.That(metrics, Does.Contain($"moorcheh_loop_failing{{loop=\"{name}\"}} 0\n"));
            Assert.That(metrics, Does.Match($"(?m)^moorcheh_loop_last_success_timestamp_seconds{{loop=\"{name}\"}} (NaN|[0-9]+\\.[0-9]{{3}})$"));
        }

        _disk.StuckSuffix = ".manifest";
        _disk.IsSilent = true;
        await server.Api.UploadVectorsAsync("emb", ("b", [1, 0]));
        await UntilAsync(() => server.Store.GetStatus().Problems.Count > 0);
        health = await server.Api.GetAsync("/health");
        Assert.That((health.String("status"), health["free_bytes"].ValueKind), Is.EqualTo(("degraded", System.Text.Json.JsonValueKind.Null)));
        Assert.That(health["problems"][0].GetString(), Does.StartWith("Background work 'checkpoints' fails: "));
        metrics = (await server.Api.GetAsync("/metrics")).Text;
        Assert.That(metrics, Does.Contain("moorcheh_free_bytes NaN\n").And.Contain("moorcheh_loop_failing{loop=\"checkpoints\"} 1\n").And.Contain("moorcheh_read_only 0\n"));
    }

    [Test]
    public async Task WorkerPool_WorkThrows_GoesOnWithTheOthersAndComesBackToIt()
    {
        var loop = new BackgroundLoop("work", TimeProvider.System, _log);
        var done = new ConcurrentQueue<int>();
        int failures = 2;
        var pool = new WorkerPool<int>(
            1,
            (item, _) =>
            {
                if (item == 1 && failures-- > 0)
                {
                    throw new InvalidOperationException("Not now.");
                }

                done.Enqueue(item);
                loop.Succeed();
                return Task.CompletedTask;
            },
            TimeProvider.System,
            loop);
        pool.Add(1);
        pool.Add(2);
        pool.Start();
        await UntilAsync(() => done.Count == 2);
        Assert.That(done, Is.EqualTo((int[])[2, 1]));
        Assert.That(await pool.StopAsync(TimeSpan.FromSeconds(30)), Is.True);
        Assert.That((loop.Failures, loop.Status.Failure), Is.EqualTo((0, (string?)null)));
    }

    /// <summary>A host's log can fail like anything else, and is called just when something failed.</summary>
    [Test]
    public async Task Logger_Throws_JobsGoOn()
    {
        MoorchehOptions options = Options();
        options.Jobs.Workers = 1;
        using var factory = new ThrowingFactory();
        options.LoggerFactory = factory;
        await using MoorchehStore store = await OpenAsync(_directory, options);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        factory.Throws = true;
        int pass = 2;
        CrashPoints.Reached = point =>
        {
            if (point == CrashPoints.JournalCommitting && Interlocked.Decrement(ref pass) == 0)
            {
                throw new IOException("No room.");
            }
        };
        UploadJob job = await store.UploadVectorsAsync("emb", TestVectors.Items(2, 10, 4));
        Assert.That((await job.WaitAsync(Token)).Successful, Is.EqualTo(10));
        Assert.That(factory.Thrown, Is.Positive);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(20, Token);
        }
    }

    /// <summary>Those that have rounds also when there is nothing to do.</summary>
    private static IEnumerable<LoopStatus> Rounds(MoorchehStore store) =>
        store.GetStatus().Loops.Where(loop => loop.Name is "housekeeping" or "compaction" or "checkpoints" or "index-maintenance");

    private MoorchehOptions Options()
    {
        MoorchehOptions options = TestStore.Options();
        options.Disk = _disk;
        options.Storage.CheckpointInterval = TimeSpan.FromSeconds(1);
        options.LoggerFactory = new LoggerFactory([_log]);
        return options;
    }

    private string[] Manifests() => Directory.GetFiles(Path.Combine(_directory.Path, "checkpoints"), "*.manifest");

    private int Told(string beginning) => _log.Entries.Count(entry => entry.Message.StartsWith(beginning, StringComparison.Ordinal));

    private sealed class ThrowingFactory : ILoggerFactory, ILogger
    {
        private int _thrown;

        public volatile bool Throws;

        public int Thrown => Volatile.Read(ref _thrown);

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => NullLogger.Instance.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (Throws)
            {
                Interlocked.Increment(ref _thrown);
                throw new AggregateException("No log.");
            }
        }

        public void Dispose()
        {
        }
    }
}
