using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Jobs;

/// <summary>An upload that is cancelled ends at once, keeps what it stored, and harms no other.</summary>
[CancelAfter(60_000)]
internal sealed class CancelTests
{
    private TemporaryDirectory _directory = null!;
    private TestEmbedder _embedder = null!;
    private MoorchehStore _store = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _directory = new TemporaryDirectory();
        _embedder = new TestEmbedder();
        MoorchehOptions options = Options(_embedder);
        options.Embedding.BatchItems = 10;
        _store = await TestStore.OpenAsync(_directory, options);
        await _store.CreateNamespaceAsync("docs", NamespaceKind.Text);
    }

    [TearDown]
    public async Task CloseAsync()
    {
        _embedder.Release();
        await _store.DisposeAsync();
        _embedder.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task Cancel_HalfWay_KeepsWhatIsStoredAndGivesTheRestBack([Values] bool ignoresCancellation)
    {
        _embedder.IgnoresCancellation = ignoresCancellation;
        _embedder.OnCall = texts =>
        {
            if (texts.Contains("text number 20 of d"))
            {
                _embedder.Block();
            }
        };
        Job<UploadJobStatus> job = await _store.UploadDocumentsAsync("docs", TextDocuments(50));
        Job<UploadJobStatus> other = await _store.UploadDocumentsAsync("docs", TextDocuments(5, "other"));
        await _embedder.CallsBegunAsync(3);
        var cancelled = (UploadJobStatus?)await _store.Jobs.CancelAsync(job.Id);
        Assert.That(cancelled!.State, Is.EqualTo(JobState.Completed));
        Assert.That(cancelled.Cancelled, Is.True);
        Assert.That((cancelled.Processed, cancelled.Successful, cancelled.Failed), Is.EqualTo((50, 20, 30)));
        Assert.That(cancelled.LastError, Is.EqualTo($"Job '{job.Id}' was cancelled."));
        _embedder.OnCall = null;
        _embedder.Release();
        Assert.That((await other.WaitAsync(Token)).Successful, Is.EqualTo(5));
        StoreStatus status = _store.GetStatus();
        Assert.That((status.Items, status.ReservedItems, status.RunningJobs), Is.EqualTo((25L, 0L, 0)));
        Assert.That(await _store.ListIdsAsync("docs"), Has.Count.EqualTo(25).And.Member("d19").And.Not.Member("d20"));

        await _store.DisposeAsync();
        _store = await TestStore.OpenAsync(_directory, Options(_embedder));
        Assert.That(_store.Jobs.Find(job.Id), Is.EqualTo(cancelled));
        Assert.That(await _store.ListIdsAsync("docs"), Has.Count.EqualTo(25));
    }

    [Test]
    public async Task Cancel_WaitingBehindAnother_NeverEmbedsIt()
    {
        _embedder.Block();
        Job<UploadJobStatus> first = await _store.UploadDocumentsAsync("docs", TextDocuments(10));
        await _embedder.CallsBegunAsync(1);
        Job<UploadJobStatus> second = await _store.UploadDocumentsAsync("docs", TextDocuments(10, "second"));
        await _store.Jobs.CancelAsync(second.Id);
        _embedder.Release();
        Assert.That((await first.WaitAsync(Token)).Successful, Is.EqualTo(10));
        Assert.That(second.Status.Failed, Is.EqualTo(10));
        Assert.That(_embedder.Calls.SelectMany(texts => texts), Has.None.Contains("second"));
    }

    [Test]
    public async Task Cancel_FinishedOrDeleteOrUnknown_IsRefused()
    {
        Job<UploadJobStatus> job = await _store.UploadDocumentsAsync("docs", TextDocuments(1));
        await job.WaitAsync(Token);
        await RefusedAsync(() => _store.Jobs.CancelAsync(job.Id), ErrorCodes.JobFinished, $"Job '{job.Id}' is already completed.");
        Job<DeleteJobStatus> delete = await _store.DeleteNamespaceAsync("docs");
        await RefusedAsync(
            () => _store.Jobs.CancelAsync(delete.Id), ErrorCodes.JobNotCancellable, $"Job '{delete.Id}' deletes data and cannot be cancelled.");
        Assert.That(await _store.Jobs.CancelAsync("job-00000000000000000000000000000000"), Is.Null);
        Assert.That(await _store.Jobs.CancelAsync("nonsense"), Is.Null);
    }

    [Test]
    public async Task Cancel_CancelledToken_DoesNothing()
    {
        _embedder.Block();
        Job<UploadJobStatus> job = await _store.UploadDocumentsAsync("docs", TextDocuments(3));
        Assert.That(() => _store.Jobs.CancelAsync(job.Id, new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());
        _embedder.Release();
        Assert.That((await job.WaitAsync(Token)).Successful, Is.EqualTo(3));
    }

    /// <summary>Whatever moment it is: counters add up, places below the cap come back, and what counts as stored is there.</summary>
    [Test]
    public async Task Cancel_AtAnyMoment_CountersAddUp()
    {
        var random = new Random(4);
        for (int round = 0; round < 30; round++)
        {
            Job<UploadJobStatus> job = await _store.UploadDocumentsAsync("docs", TextDocuments(40, $"r{round}-"));
            await Task.Delay(random.Next(8), Token);
            try
            {
                await _store.Jobs.CancelAsync(job.Id);
            }
            catch (MoorchehException e) when (e.Code == ErrorCodes.JobFinished)
            {
            }

            UploadJobStatus status = job.Status;
            Assert.That(status.FinishedAt, Is.Not.Null);
            Assert.That((status.Processed, status.Successful + status.Failed), Is.EqualTo((40, 40)));
            Assert.That((await _store.ListIdsAsync("docs")).Count(id => id.StartsWith($"r{round}-", StringComparison.Ordinal)), Is.EqualTo(status.Successful));
        }

        Assert.That(_store.GetStatus().ReservedItems, Is.Zero);
    }
}
