using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Storage;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Recorded;

/// <summary>
/// Makes a store that three processes worked in, each of which was killed: the second took a checkpoint, so that there is work of every kind in the
/// checkpoint and, by the third, in the journal behind it.
/// </summary>
internal static class StoreRecorder
{
    private const string Held = "held";

    /// <summary>Records a store.</summary>
    /// <param name="target">Receives its files.</param>
    /// <returns>Ids of the tasks on artifacts; a store does not list them.</returns>
    public static async Task<IReadOnlyList<string>> RecordAsync(string target)
    {
        using var first = new TemporaryDirectory();
        using var second = new TemporaryDirectory();
        using var third = new TemporaryDirectory();
        List<string> taskIds = [];
        await BeginAsync(first.Path, second.Path);
        UploadJob aborted = await WorkAroundCheckpointAsync(second.Path, third.Path, taskIds);
        await AbortAsync(third.Path, aborted);
        await WorkBehindCheckpointAsync(third.Path, target, taskIds);
        return taskIds;
    }

    /// <summary>Ends within an upload, which the next process counts.</summary>
    private static async Task BeginAsync(string directory, string copy)
    {
        await using RecordedSession session = await RecordedSession.RecordAsync(directory, TimeSpan.Zero, 1, Held);
        await session.Store.CreateNamespaceAsync(Held, NamespaceKind.Text);
        await session.Store.UploadDocumentsAsync(Held, [new Document("h", "held")]);
        await session.Embedder.HeldAsync(Held);
        CrashCopy.Take(directory, copy);
    }

    /// <summary>With two workers, both at work, a namespace's delete waits: so it is in the checkpoint.</summary>
    /// <returns>An upload that was accepted behind the checkpoint and has not begun.</returns>
    private static async Task<UploadJob> WorkAroundCheckpointAsync(string directory, string copy, List<string> taskIds)
    {
        const string Deleting = "deleting";
        await using RecordedSession session = await RecordedSession.RecordAsync(directory, TimeSpan.FromMinutes(10), 2, Held);
        var work = new RecordedWork(session, "1", taskIds);
        await work.FillLargeAsync(Deleting);
        await work.FinishAsync();
        await work.BeginAsync();
        session.HoldDelete();
        await session.Store.DeleteNamespaceAsync(Deleting);
        await session.Store.CheckpointAsync(Token);
        session.Embedder.Open(Held);
        await session.DeleteIsHeld;
        UploadJob aborted = await session.Store.UploadDocumentsAsync("open-1", [new Document("never", "taken back")]);
        CrashCopy.Take(directory, copy);
        return aborted;
    }

    /// <summary>Earlier builds took an acceptance back when it was not sure to be on disk.</summary>
    private static async Task AbortAsync(string directory, UploadJob job)
    {
        using DataDirectory data = DataDirectory.Open(directory, Disk.Default);
        OpenStorage storage = await Recovery.OpenAsync(data, Options(), NullLogger.Instance);
        await using (storage.Journal)
        await using (storage.State.Records)
        {
            storage.Journal.Append(JournalEntryType.UploadAborted, Guid.ParseExact(job.Id["job-".Length..], "N").ToByteArray());
            await storage.Journal.CommitAsync();
        }
    }

    private static async Task WorkBehindCheckpointAsync(string directory, string target, List<string> taskIds)
    {
        await using RecordedSession session = await RecordedSession.RecordAsync(directory, TimeSpan.FromMinutes(20), 8, "wait1", holdsDelete: true);
        await session.DeleteIsHeld;
        var work = new RecordedWork(session, "2", taskIds);
        await work.FinishAsync();
        await work.BeginAsync();
        CrashCopy.Take(directory, target);
    }
}
