using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Artifacts;
using Moorcheh.Callbacks.Messages;
using Moorcheh.Diagnostics;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// Accepted work waits while the disk has no room, takes no writes or does not say how much room there is, and however often it is tried meanwhile, that is no
/// attempt of it. What is wrong with the work itself still ends it.
/// </summary>
[Category("Faults")]
[NonParallelizable]
[CancelAfter(120_000)]
internal sealed class DiskTroubleTests
{
    /// <summary>More than the attempts that end a job.</summary>
    private const int Times = 6;

    private readonly FailingDisk _disk = new();
    private TemporaryDirectory _directory = null!;
    private TestEmbedder _embedder = null!;
    private FakePublisher _publisher = null!;
    private MoorchehStore _store = null!;
    private int _asked;

    [SetUp]
    public async Task OpenAsync()
    {
        _directory = new TemporaryDirectory();
        _embedder = new TestEmbedder();
        _publisher = new FakePublisher();
        _disk.OnFreeBytes = null;
        _disk.IsFull = false;
        _asked = 0;
        MoorchehOptions options = Options(_embedder);
        options.Disk = _disk;
        options.Artifacts.CallbackPublisher = _publisher;
        options.Artifacts.Workers = 1;
        _store = await TestStore.OpenAsync(_directory, options);
        await _store.CreateNamespaceAsync("texts", NamespaceKind.Text);
        await _store.Artifacts.IngestAsync(new ArtifactIngest("pets", "cat", ArtifactInput.FromText("The cat sleeps.")));
    }

    [TearDown]
    public async Task CloseAsync()
    {
        _disk.OnFreeBytes = null;
        _disk.IsFull = false;
        _embedder.Release();
        await _store.DisposeAsync();
        _embedder.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task Upload_FreeSpaceIsNotTold_StoresEverythingLater()
    {
        _embedder.Block();
        UploadJob job = await _store.UploadDocumentsAsync("texts", TextDocuments(600));
        await _embedder.CallsBegunAsync(2);
        NoAnswer();
        _embedder.Release();
        await AskedAsync();
        _disk.OnFreeBytes = null;
        UploadJobStatus ended = await job.WaitAsync(Token);
        Assert.That((ended.Successful, ended.Failed), Is.EqualTo((600, 0)), ended.LastError);
    }

    [Test]
    public async Task Ingest_DiskIsFullForAWhile_IsStoredLater([Values] bool isTold)
    {
        _embedder.Block();
        ArtifactTaskStatus first = await _store.Artifacts.StartIngestAsync(new ArtifactIngest("pets", "dog", ArtifactInput.FromText("The dog runs.")));
        await _embedder.CallsBegunAsync(2);
        ArtifactTaskStatus second = await _store.Artifacts.StartIngestAsync(new ArtifactIngest("pets", "cow", ArtifactInput.FromText("The cow stands.")));
        if (isTold)
        {
            Full();
        }
        else
        {
            NoAnswer();
        }

        _embedder.Release();
        await AskedAsync();
        if (isTold) // What is not known is not full: work goes on then.
        {
            Assert.That(_store.Artifacts.FindTask(second.JobId)!.TaskState, Is.EqualTo(ArtifactTaskState.Pending));
            _disk.OnFreeBytes = null;
        }

        foreach (ArtifactTaskStatus task in (ArtifactTaskStatus[])[first, second])
        {
            ArtifactTaskStatus ended = (await _store.Artifacts.WaitAsync(task.JobId, Token))!;
            Assert.That(ended.TaskState, Is.EqualTo(ArtifactTaskState.Success), ended.LastError);
        }
    }

    /// <summary>What waits for room holds no worker, so that what gives room goes on.</summary>
    [Test]
    public async Task Deletes_DiskIsFull_GoOnBesideAnIngestThatWaits()
    {
        _embedder.Block();
        ArtifactTaskStatus running = await _store.Artifacts.StartIngestAsync(new ArtifactIngest("pets", "dog", ArtifactInput.FromText("The dog runs.")));
        await _embedder.CallsBegunAsync(2);
        ArtifactTaskStatus waiting = await _store.Artifacts.StartIngestAsync(new ArtifactIngest("pets", "cow", ArtifactInput.FromText("The cow stands.")));
        Full();
        _embedder.Release();
        await AskedAsync();
        await _store.Artifacts.DeleteAsync("pets", "cat", Token);
        Assert.That((await (await _store.DeleteNamespaceAsync("texts")).WaitAsync(Token)).State, Is.EqualTo(JobState.Completed));
        _disk.OnFreeBytes = null;
        Assert.That((await _store.Artifacts.WaitAsync(waiting.JobId, Token))!.TaskState, Is.EqualTo(ArtifactTaskState.Success));
        Assert.That((await _store.Artifacts.WaitAsync(running.JobId, Token))!.TaskState, Is.EqualTo(ArtifactTaskState.Success));
    }

    /// <summary>Steps that meet the trouble themselves: reading, journalling and removing, in each kind of work.</summary>
    [TestCase("upload", CrashPoints.JournalAppending)]
    [TestCase("ingest", CrashPoints.JournalAppending)]
    [TestCase("delete artifact", CrashPoints.JournalAppending)]
    [TestCase("delete namespace", CrashPoints.NamespaceDeleteStep)]
    public async Task Work_StepsMeetTrouble_IsNoAttempt(string work, string point)
    {
        await _store.StoreAsync("texts", TextDocuments(3));
        int met = 0;
        bool isBegun = false;
        void MeetTrouble(string reached)
        {
            if (Volatile.Read(ref isBegun) && reached == point && Interlocked.Increment(ref met) <= Times)
            {
                throw new IOException("Input/output error");
            }
        }

        void Begin(string accepted)
        {
            CrashPoints.Reached = reached =>
            {
                MeetTrouble(reached);
                if (reached == accepted)
                {
                    Volatile.Write(ref isBegun, true);
                }
            };
        }

        try
        {
            switch (work)
            {
                case "upload":
                    Begin(CrashPoints.UploadAccepted);
                    UploadJobStatus upload = await (await _store.UploadDocumentsAsync("texts", TextDocuments(5, "new"))).WaitAsync(Token);
                    Assert.That(upload.Successful, Is.EqualTo(5), upload.LastError);
                    break;
                case "ingest":
                    Begin(CrashPoints.ArtifactTaskAccepted);
                    await _store.Artifacts.IngestAsync(new ArtifactIngest("pets", "dog", ArtifactInput.FromText("The dog runs.")), Token);
                    break;
                case "delete artifact":
                    Begin(CrashPoints.ArtifactTaskAccepted);
                    await _store.Artifacts.DeleteAsync("pets", "cat", Token);
                    break;
                default:
                    Begin(CrashPoints.NamespaceDeleteMarked);
                    DeleteJobStatus delete = await (await _store.DeleteNamespaceAsync("texts")).WaitAsync(Token);
                    Assert.That(delete.State, Is.EqualTo(JobState.Completed), delete.LastError);
                    break;
            }
        }
        finally
        {
            CrashPoints.Reached = null;
        }

        Assert.That(met, Is.GreaterThan(Times));
    }

    /// <summary>A message that could not be read or taken out for trouble of the disk was not tried, so that it does not expire for that.</summary>
    [Test]
    public void Outbox_TroubleOfTheDisk_IsNoAttemptToSend()
    {
        var outbox = new Outbox(null!, 10, NullLogger.Instance); // Nothing here reads a record.
        outbox.Restore(new OutboxMessage(Guid.NewGuid(), 1, isFinal: true, default), "events");
        OutboxTurn first = outbox.TakeTurns().Single();
        Assert.That(outbox.TryTake(first, out _), Is.True);
        OutboxTurn second = outbox.Next(first, isSent: false, isTried: false)!.Value;
        Assert.That(second.Line.IsTried, Is.False);
        Assert.That(outbox.TryTake(second, out _), Is.True);
        Assert.That(outbox.Next(second, isSent: false)!.Value.Line.IsTried, Is.True);
    }

    /// <summary>A place that looks like the disk's trouble and is a reader's: the task fails with it.</summary>
    [Test]
    public async Task Ingest_AddressCannotBeRead_IsItsOwnFault()
    {
        using var directory = new TemporaryDirectory();
        MoorchehOptions options = Options(_embedder);
        options.Artifacts.UriReader = new FailingReader();
        await using MoorchehStore store = await TestStore.OpenAsync(directory, options);
        await RefusedAsync(
            () => store.Artifacts.IngestAsync(new ArtifactIngest("pets", "dog", ArtifactInput.FromUri(new Uri("http://example.com/a.txt"))), Token), ErrorCodes.UriNotAccessible);
    }

    private void NoAnswer() => _disk.OnFreeBytes = () =>
    {
        Interlocked.Increment(ref _asked);
        throw new IOException("Resource temporarily unavailable");
    };

    private void Full() => _disk.OnFreeBytes = () =>
    {
        Interlocked.Increment(ref _asked);
        return 0;
    };

    /// <summary>Waits until the question was asked more often than work would be tried.</summary>
    private async Task AskedAsync()
    {
        while (Volatile.Read(ref _asked) < Times + 2)
        {
            await Task.Delay(10, Token);
        }
    }

    private sealed class FailingReader : IUriReader
    {
        public bool Allows(Uri address) => true;

        public Task<ReadOnlyMemory<byte>> ReadAsync(Uri uri, CancellationToken cancellationToken) => throw new IOException("Connection reset by peer");
    }
}
