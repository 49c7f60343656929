using Moorcheh.Artifacts;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Diagnostics;

namespace Moorcheh.Changes;

/// <summary>How every task on an artifact ends, whichever change ends it.</summary>
internal static class TaskEnding
{
    /// <summary>Takes a task out of the queue, makes or drops its messages, and only then lets everybody read that it has ended.</summary>
    /// <param name="state">The state.</param>
    /// <param name="task">An unfinished task.</param>
    /// <param name="end">How it ended.</param>
    /// <param name="errorCode">Why it failed; null when it did not.</param>
    /// <param name="error">The text of that.</param>
    /// <param name="at">When.</param>
    /// <param name="isSkipped">True when there was nothing to do.</param>
    /// <param name="stored">The metadata an ingest stored; null when it stored nothing.</param>
    public static void End(
        this StoreState state,
        ArtifactTaskEntry task,
        ArtifactTaskState end,
        string? errorCode,
        string? error,
        DateTimeOffset at,
        bool isSkipped = false,
        ItemMetadata? stored = null)
    {
        state.Artifacts.Remove(task); // Before anybody can read that it has finished.
        if (end == ArtifactTaskState.Revoked)
        {
            state.Messages.Revoke(task);
        }
        else
        {
            state.Messages.End(task, errorCode, error, stored, at);
            CrashPoints.Pass(CrashPoints.CallbackMade);
        }

        state.Jobs.End(task, end, errorCode, error, isSkipped, at);
        state.Messages.Release(task);
    }
}
