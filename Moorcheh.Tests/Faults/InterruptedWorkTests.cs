using Moorcheh.Artifacts;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// What an end of the process is counted for: work that was under way and came no further. Each generation of a store is opened from what a kill at that
/// moment left of the one before.
/// </summary>
[Category("Faults")]
[NonParallelizable]
[CancelAfter(120_000)]
internal sealed class InterruptedWorkTests
{
    /// <summary>More than the ends that end a job.</summary>
    private const int Generations = 7;

    private const int Items = 200;

    private TemporaryDirectory _directory = null!;
    private TestEmbedder _embedder = null!;
    private MoorchehStore _store = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _directory = new TemporaryDirectory();
        await OpenAsync(_directory);
        await _store.CreateNamespaceAsync("texts", NamespaceKind.Text);
    }

    [TearDown]
    public async Task CloseAsync()
    {
        _embedder.Release();
        await _store.DisposeAsync();
        _embedder.Dispose();
        _directory.Dispose();
    }

    /// <summary>The task that was at work each time is given up; those that waited behind it never ran and are carried out.</summary>
    [Test]
    public async Task Killed_ManyWait_OnlyWhatWasAtWorkIsGivenUp()
    {
        List<string> tasks = [];
        foreach (string artifact in (string[])["a", "b", "c", "d"])
        {
            tasks.Add((await _store.Artifacts.StartIngestAsync(new ArtifactIngest("docs", artifact, ArtifactInput.FromText($"text of {artifact}")))).JobId);
        }

        for (int generation = 0; generation < 5; generation++)
        {
            await _embedder.CallsBegunAsync(1);
            Assert.That(_embedder.Calls[0], Is.EqualTo((string[])["text of a"]), $"Generation {generation}: it is its turn again.");
            await KillAsync();
        }

        _embedder.Release();
        ArtifactTaskStatus[] ended = [.. await Task.WhenAll(tasks.Select(async id => (await _store.Artifacts.WaitAsync(id, Token))!))];
        Assert.That(ended.Select(task => (task.TaskState, task.ErrorCode)), Is.EqualTo(((ArtifactTaskState, string?)[])
        [
            (ArtifactTaskState.Failure, ErrorCodes.ProcessEnded), (ArtifactTaskState.Success, null), (ArtifactTaskState.Success, null), (ArtifactTaskState.Success, null),
        ]));
        Assert.That(ended[0].LastError, Is.EqualTo("The ingestion cannot go on: The process ended 5 times while it was worked on."));
    }

    [Test]
    public async Task Closed_WhileAtWork_CountsNothing()
    {
        ArtifactTaskStatus task = await _store.Artifacts.StartIngestAsync(new ArtifactIngest("docs", "a", ArtifactInput.FromText("text")));
        UploadJob upload = await _store.UploadDocumentsAsync("texts", TextDocuments(3));
        for (int generation = 0; generation < Generations; generation++)
        {
            await _embedder.CallsBegunAsync(2);
            await _store.DisposeAsync();
            await OpenAsync(_directory);
        }

        _embedder.Release();
        Assert.That((await _store.Artifacts.WaitAsync(task.JobId, Token))!.TaskState, Is.EqualTo(ArtifactTaskState.Success));
        Assert.That(((UploadJobStatus)(await _store.Jobs.WaitAsync(upload.Id, Token))!).Successful, Is.EqualTo(3));
    }

    /// <summary>A job that comes a step further in each process is not what ends them.</summary>
    [Test]
    public async Task Killed_JobComesFurtherEachTime_IsCarriedOut()
    {
        UploadJob upload = await _store.UploadDocumentsAsync("texts", TextDocuments(Items));
        int stored = 0;
        for (int generation = 0; generation < Generations; generation++)
        {
            await _embedder.CallsBegunAsync(1);
            _embedder.Release();
            _embedder.Block();
            await _embedder.CallsBegunAsync(2);
            int before = stored;
            stored = ((UploadJobStatus)_store.Jobs.Find(upload.Id)!).Successful;
            Assert.That(stored, Is.GreaterThan(before).And.LessThan(Items));
            await KillAsync();
        }

        _embedder.Release();
        Assert.That(((UploadJobStatus)(await _store.Jobs.WaitAsync(upload.Id, Token))!).Successful, Is.EqualTo(Items));
    }

    /// <summary>Opens what a kill now would leave in place of the store.</summary>
    private async Task KillAsync()
    {
        var copy = new TemporaryDirectory();
        CrashCopy.Take(_directory.Path, copy.Path);
        _embedder.Release();
        await _store.DisposeAsync();
        _embedder.Dispose();
        _directory.Dispose();
        _directory = copy;
        await OpenAsync(copy);
    }

    private async Task OpenAsync(TemporaryDirectory directory)
    {
        _embedder = new TestEmbedder();
        _embedder.Block();
        MoorchehOptions options = Options(_embedder);
        options.Artifacts.Workers = 1;
        options.Embedding.BatchItems = 1;
        _store = await TestStore.OpenAsync(directory, options);
    }
}
