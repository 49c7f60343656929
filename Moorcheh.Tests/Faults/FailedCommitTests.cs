using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Diagnostics;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// What a store holds in memory and what replay makes of its journal must be the same, also when a commit fails but its entries reach the
/// disk with the next one, and when what was committed cannot be carried out.
/// </summary>
[Category("Faults")]
[NonParallelizable]
[CancelAfter(60_000)]
internal sealed class FailedCommitTests
{
    private TemporaryDirectory _directory = null!;
    private TemporaryDirectory _copy = null!;
    private MoorchehStore _store = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _directory = new TemporaryDirectory();
        _copy = new TemporaryDirectory();
        _store = await TestStore.OpenAsync(_directory);
        await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        await _store.StoreAsync("emb", TestVectors.Items(1, 5, 4, "old"));
    }

    [TearDown]
    public async Task CloseAsync()
    {
        CrashPoints.Reached = null;
        await _store.DisposeAsync();
        _copy.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task Upload_CommitOfAStepFails_IsJournalledOnce()
    {
        FailAt(CrashPoints.JournalCommitting, pass: 2);
        UploadJob job = await _store.UploadVectorsAsync("emb", TestVectors.Items(2, 10, 4));
        Assert.That((await job.WaitAsync(Token)).Successful, Is.EqualTo(10));

        using var files = new JournalFiles(Path.Combine(_directory.Path, "journal", "journal.log"), Disk.Default);
        int steps = 0;
        files.Scan(FasterSettings.FirstAddress, (_, type, _) => steps += type == JournalEntryType.UploadProgress ? 1 : 0);
        Assert.That(steps, Is.EqualTo(2), "One of each upload.");
        await CheckCopyAsync(15);
    }

    [Test]
    public async Task Upload_CommitOfTheAcceptanceFails_IsNotCarriedOutLater()
    {
        FailAt(CrashPoints.JournalCommitting, pass: 1);
        Assert.That(() => _store.UploadVectorsAsync("emb", TestVectors.Items(2, 10, 4)), Throws.TypeOf<IOException>());
        await _store.CreateNamespaceAsync("other", NamespaceKind.Text);
        Assert.That(_store.GetStatus().ReservedItems, Is.Zero);
        await CheckCopyAsync(5);
        Assert.That(await _store.ListIdsAsync("emb"), Has.Count.EqualTo(5));
    }

    [Test]
    public async Task DeleteItems_CommitFails_HappensBeforeAnythingElse()
    {
        FailAt(CrashPoints.JournalCommitting, pass: 1);
        Assert.That(() => _store.DeleteItemsAsync("emb", ["old1"]), Throws.TypeOf<IOException>());
        await _store.StoreAsync("emb", TestVectors.Items(3, 1, 4, "new"));
        Assert.That(await _store.ListIdsAsync("emb"), Is.EqualTo((string[])["new0", "old0", "old2", "old3", "old4"]));
        await CheckCopyAsync(5);
    }

    [Test]
    public async Task DeleteItems_CommitFails_IsInTheNextCheckpoint()
    {
        FailAt(CrashPoints.JournalCommitting, pass: 1);
        Assert.That(() => _store.DeleteItemsAsync("emb", ["old1"]), Throws.TypeOf<IOException>());
        await _store.CheckpointAsync(Token);
        await CheckCopyAsync(4);
    }

    [Test]
    public async Task DeleteNamespace_CommitFails_GoesOnByItself()
    {
        FailAt(CrashPoints.JournalCommitting, pass: 1);
        Assert.That(() => _store.DeleteNamespaceAsync("emb"), Throws.TypeOf<IOException>());
        while (_store.Jobs.List(new JobFilter { Kind = JobKind.Delete, State = JobState.Completed }).Count == 0)
        {
            await Task.Delay(10, Token);
        }

        await _store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        await _store.StoreAsync("emb", TestVectors.Items(3, 1, 4, "new"));
        await CheckCopyAsync(1);
    }

    [Test]
    public async Task Upload_CannotBeCarriedOut_StopsTheNamespaceUntilItIsOpenedAgain()
    {
        await _store.CreateNamespaceAsync("other", NamespaceKind.Vector, 4);
        FailAt(CrashPoints.JobChanging, pass: 1);
        UploadJob job = await _store.UploadVectorsAsync("emb", TestVectors.Items(2, 10, 4));
        while (true)
        {
            try
            {
                await _store.DeleteItemsAsync("emb", ["absent"]);
                await Task.Delay(10, Token);
            }
            catch (MoorchehException e)
            {
                Assert.That((e.Code, e.Message), Is.EqualTo((ErrorCodes.StorageFailed,
                    "Namespace 'emb' takes no changes until the store is opened again: one that is in the journal could not be carried out. No room.")));
                break;
            }
        }

        await RefusedAsync(() => _store.UploadVectorsAsync("emb", TestVectors.Items(2, 1, 4)), ErrorCodes.StorageFailed);
        await RefusedAsync(() => _store.DeleteNamespaceAsync("emb"), ErrorCodes.StorageFailed);
        await RefusedAsync(() => _store.CheckpointAsync(), ErrorCodes.StorageFailed);
        await _store.StoreAsync("other", TestVectors.Items(2, 1, 4));
        await _store.DisposeAsync();
        CrashPoints.Reached = null;
        _store = await TestStore.OpenAsync(_directory);
        Assert.That(((UploadJobStatus)_store.Jobs.Find(job.Id)!).Successful, Is.EqualTo(10));
        Assert.That(await _store.ListIdsAsync("emb"), Has.Count.EqualTo(15));
        Assert.That(_store.GetStatus().Items, Is.EqualTo(16));
    }

    /// <summary>Its acceptor wakes the scheduler when it is on disk; until then looking again and again is of no use.</summary>
    [Test]
    public async Task Scheduler_DeleteWaitsForAnUploadThatIsNotOnDisk_DoesNotSpin()
    {
        var doomed = new NamespaceEntry(Guid.NewGuid(), "doomed", NamespaceKind.Vector, 4, default) { State = NamespaceState.Deleting };
        doomed.DeleteJob = new DeleteJobEntry(new NamespaceDeleteStarted(Guid.NewGuid(), doomed.Incarnation, default, 0), doomed.Name);
        doomed.Uploads.AddLast(new UploadJobEntry(new UploadAccepted(Guid.NewGuid(), doomed.Incarnation, default, 1, 1, [], [0]), doomed.Name));
        var other = new NamespaceEntry(Guid.NewGuid(), "other", NamespaceKind.Vector, 4, default);
        int looks = 0;
        using var turns = new SemaphoreSlim(0);
        var scheduler = new JobScheduler(
            1,
            (entry, _) =>
            {
                if (entry == doomed)
                {
                    looks++;
                }
                else
                {
                    turns.Release();
                }

                return Task.FromResult(false);
            },
            (_, _, _, _) => Task.FromResult(false),
            TimeProvider.System,
            NullLogger.Instance);
        scheduler.Start();
        scheduler.Wake(doomed);
        for (int turn = 0; turn < 20; turn++)
        {
            scheduler.Wake(other);
            await turns.WaitAsync(Token);
            while (IsScheduled(other))
            {
                await Task.Yield(); // A namespace at work is not woken: its step looks for more at its end, which this one does not.
            }
        }

        Assert.That(await scheduler.StopAsync(TimeSpan.FromSeconds(10)), Is.True);
        Assert.That(looks, Is.EqualTo(1));

        static bool IsScheduled(NamespaceEntry entry)
        {
            lock (entry.Lock)
            {
                return entry.IsScheduled;
            }
        }
    }

    private static void FailAt(string point, int pass) => CrashPoints.Reached = reached =>
    {
        if (reached == point && Interlocked.Decrement(ref pass) == 0)
        {
            throw new IOException("No room.");
        }
    };

    /// <summary>What a crash now would leave holds as many items.</summary>
    private async Task CheckCopyAsync(int items)
    {
        CrashPoints.Reached = null;
        CrashCopy.Take(_directory.Path, _copy.Path);
        await using MoorchehStore crashed = await TestStore.OpenAsync(_copy);
        Assert.That(crashed.Jobs.List(new JobFilter { State = JobState.Running }), Is.Empty);
        Assert.That(await crashed.ListIdsAsync("emb"), Has.Count.EqualTo(items));
        Assert.That(crashed.GetStatus().Items, Is.EqualTo(items));
        Assert.That(crashed.GetStatus().ReservedItems, Is.Zero);
    }
}
