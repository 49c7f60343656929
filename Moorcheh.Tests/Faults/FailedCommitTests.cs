using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Pipelines;
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
    public async Task Upload_CommitOfTheAcceptanceFails_IsTriedAgainAndAcceptedOnce()
    {
        FailAt(CrashPoints.JournalCommitting, pass: 1);
        UploadJob job = await _store.UploadVectorsAsync("emb", TestVectors.Items(2, 10, 4));
        Assert.That((job.Status.IsAccepted, (await job.WaitAsync(Token)).Successful), Is.EqualTo((true, 10)));
        Assert.That(_store.GetStatus().ReservedItems, Is.Zero);
        await CheckCopyAsync(15);
    }

    /// <summary>What a commit that fails for good leaves may be on disk or not: the answer does not say that it was refused, and no crash contradicts it.</summary>
    [Test]
    public async Task Upload_CommitOfTheAcceptanceFailsAgainAndAgain_IsUnknownUntilOneSucceeds()
    {
        FailAt(CrashPoints.JournalCommitting, pass: 1, passes: int.MaxValue);
        MoorchehException answer = await RefusedAsync(() => _store.UploadVectorsAsync("emb", TestVectors.Items(2, 10, 4)), ErrorCodes.OutcomeUnknown);
        string id = (string)answer.Facts["JobId"];
        Assert.That(answer.Message, Is.EqualTo(
            $"The outcome is not known yet (writing fails: No room): the request is carried out once it is on disk; the status of job '{id}' tells."));
        Assert.That((answer.Facts["NamespaceName"], answer.IsTransient), Is.EqualTo(("emb", false)));
        Assert.That(_store.Jobs.FindUpload("emb", id), Has.Property("IsAccepted").False.And.Property("State").EqualTo(JobState.Running));
        await RefusedAsync(() => _store.Jobs.CancelAsync(id), ErrorCodes.OutcomeUnknown);
        using var lost = new TemporaryDirectory();
        CrashCopy.Take(_directory.Path, lost.Path);
        CrashPoints.Reached = null;
        await using (MoorchehStore crashed = await TestStore.OpenAsync(lost))
        {
            Assert.That((crashed.Jobs.Find(id), crashed.GetStatus().Items), Is.EqualTo(((JobStatus?)null, 5)));
        }

        Assert.That(((UploadJobStatus)(await _store.Jobs.WaitAsync(id, Token))!).Successful, Is.EqualTo(10));
        Assert.That(_store.Jobs.Find(id)!.IsAccepted, Is.True);
        await CheckCopyAsync(15);
    }

    [Test]
    public async Task DeleteItems_CommitFails_HappensBeforeAnythingElse()
    {
        FailAt(CrashPoints.JournalCommitting, pass: 1);
        await UnknownAsync(() => _store.DeleteItemsAsync("emb", ["old1"]));
        await CheckCopyAsync(5); // It is not on disk yet; no commit hides that.
        await _store.StoreAsync("emb", TestVectors.Items(3, 1, 4, "new"));
        Assert.That(await _store.ListIdsAsync("emb"), Is.EqualTo((string[])["new0", "old0", "old2", "old3", "old4"]));
        await CheckCopyAsync(5);
    }

    [Test]
    public async Task DeleteItems_CommitFails_IsInTheNextCheckpoint()
    {
        FailAt(CrashPoints.JournalCommitting, pass: 1);
        await UnknownAsync(() => _store.DeleteItemsAsync("emb", ["old1"]));
        await _store.CheckpointAsync(Token);
        await CheckCopyAsync(4);
    }

    [Test]
    public async Task DeleteNamespace_CommitFails_GoesOnByItself()
    {
        FailAt(CrashPoints.JournalCommitting, pass: 1);
        string id = (string)(await UnknownAsync(() => _store.DeleteNamespaceAsync("emb"))).Facts["JobId"];
        Assert.That(_store.Jobs.FindDelete("emb", id), Is.Not.Null);
        while (_store.Jobs.List(new JobFilter { Kind = JobKind.Delete, State = JobState.Completed }).Count == 0)
        {
            await Task.Delay(10, Token);
        }

        Assert.That(_store.Jobs.FindDelete("emb", id)!.IsAccepted, Is.True);
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

    private static void FailAt(string point, int pass, int passes = 1)
    {
        int count = 0;
        CrashPoints.Reached = reached =>
        {
            if (reached == point && Interlocked.Increment(ref count) is var now && now >= pass && now - pass < passes)
            {
                throw new IOException("No room.");
            }
        };
    }

    private static async Task<MoorchehException> UnknownAsync(Func<Task> call)
    {
        MoorchehException answer = await RefusedAsync(call, ErrorCodes.OutcomeUnknown);
        Assert.That(answer.InnerException, Is.TypeOf<IOException>());
        return answer;
    }

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
