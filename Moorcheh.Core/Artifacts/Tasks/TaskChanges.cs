using Moorcheh.Jobs;

namespace Moorcheh.Artifacts.Tasks;

/// <summary>How tasks on artifacts change.</summary>
internal static class TaskChanges
{
    /// <summary>Counts the callback of an unfinished task, which an opening found after the task.</summary>
    public static void HoldCallback(this JobRegistry jobs, ArtifactTaskEntry task)
    {
        task.CallbackBytes = ArtifactTaskEntry.SizeOf(task.Callback?.Target);
        jobs.Take(new JobRoom { CallbackBytes = task.CallbackBytes });
    }

    /// <summary>A task's turn has come. Not on disk: after a crash it waits again.</summary>
    public static void Start(this JobRegistry jobs, ArtifactTaskEntry task, DateTimeOffset at) =>
        jobs.Change(task, task.Status with { TaskState = ArtifactTaskState.Started }, at);

    /// <summary>Ends a task. Nobody can look up one whose caller waited for it.</summary>
    public static void End(
        this JobRegistry jobs, ArtifactTaskEntry task, ArtifactTaskState state, string? errorCode, string? error, bool isSkipped, DateTimeOffset at)
    {
        ArtifactTaskStatus next = task.Status with
        {
            TaskState = state,
            State = state == ArtifactTaskState.Failure ? JobState.Failed : JobState.Completed,
            Cancelled = state == ArtifactTaskState.Revoked,
            ErrorCode = errorCode,
            LastError = error,
            IsSkipped = isSkipped,
        };
        jobs.Change(task, next, at);
    }
}
