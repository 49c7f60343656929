using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Callbacks;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Namespaces;
using Moorcheh.Pipelines;
using Moorcheh.Storage;

namespace Moorcheh.Artifacts.Pipelines;

/// <summary>Carries out deletes of artifacts. The ingests a delete revokes have ended when it was accepted, and have stopped when its turn comes.</summary>
internal sealed class RemovalPipeline(
    StoreState state, IJournal journal, CheckpointGate gate, WorkMarks marks, ArtifactEnding ending, ProgressReporter progress, MoorchehOptions options, ILogger logger)
{
    /// <summary>Works on a delete until it has ended.</summary>
    /// <returns>False when it cannot go on until the store is opened again.</returns>
    public async Task<bool> RunAsync(ArtifactTaskEntry task, CancellationToken stopping)
    {
        if (task.Unfinished is { } finish)
        {
            return await task.FinishAsync(finish).ConfigureAwait(false);
        }

        if (task.TooManyEnds is { } cause)
        {
            await ending.EndAsync(task, cause.Code, $"Could not remove artifact '{task.Status.Artifact}': {cause.Message}", stopping).ConfigureAwait(false);
            return true;
        }

        using WorkMarks.Mark mark = await marks.BeginAsync([task.Work], task.ProcessEnds, stopping).ConfigureAwait(false);
        Jobs.JobRegistry.Start(task, options.TimeProvider.GetUtcNow());
        try
        {
            await progress.BeginAsync(task, CallbackStep.Deletion).ConfigureAwait(false);
            await RemoveAsync(task, stopping).ConfigureAwait(false);
        }
        catch (MoorchehException) when (task.Unfinished is null && state.Find(task.Status.NamespaceName)?.Failure is not null)
        {
            return false;
        }
        catch (Exception e) when (
            e is not OperationCanceledException && !DiskTrouble.Is(e) && task.Unfinished is null && task.FailedAttempts >= options.Jobs.DeleteAttempts - 1)
        {
            logger.JobStepFailed(task.Status.JobId, task.FailedAttempts + 1, e);
            await ending.EndAsync(
                task, ErrorCodes.StorageFailed, $"Could not remove artifact '{task.Status.Artifact}': {e.Message.TrimEnd('.')}.", stopping).ConfigureAwait(false);
        }

        return true;
    }

    private async Task RemoveAsync(ArtifactTaskEntry task, CancellationToken stopping)
    {
        if (state.Find(task.Status.NamespaceName) is { } entry
            && await NamespaceChanges.RunAsync(entry, gate, journal, () => TryRemoveAsync(task, entry), stopping).ConfigureAwait(false))
        {
            return;
        }

        // What is not there, or is on its way out with its namespace, counts as unknown.
        MoorchehException? failure = task.HasRevoked ? null : ArtifactAcceptor.NotFound(task.Status.Artifact);
        await ending.EndAsync(task, failure?.Code, failure?.Message, stopping).ConfigureAwait(false);
    }

    private async Task<bool> TryRemoveAsync(ArtifactTaskEntry task, NamespaceEntry entry)
    {
        if (state.Find(entry.Name) != entry || entry.State != NamespaceState.Active || !entry.Artifacts.TryGetValue(task.Key, out ArtifactEntry? artifact))
        {
            return false;
        }

        var removed = new ArtifactRemoved(task.Id, entry.Incarnation, options.TimeProvider.GetUtcNow());
        var writer = new ByteWriter();
        removed.Write(writer);
        lock (state.Artifacts.Lock)
        {
            journal.Append(JournalEntryType.ArtifactRemoved, writer.Written);
            task.IsEnding = true;
            task.Unfinished = () => ending.FinishAsync(entry);
        }

        await NamespaceChanges.CarryOutAsync(entry, journal, async () =>
        {
            state.Quota.Remove(artifact.ChunkCount); // Before anybody can read that the task has ended.
            await state.ApplyAsync(task, entry, removed).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return true;
    }
}
