using Moorcheh.Diagnostics;

namespace Moorcheh.Jobs;

/// <summary>How uploads change.</summary>
internal static class UploadChanges
{
    /// <summary>Counts entries of an upload.</summary>
    public static void Progress(
        this JobRegistry jobs, UploadJobEntry job, int cursor, int successful, int failed, IReadOnlyList<ItemError> errors, DateTimeOffset at)
    {
        UploadJobStatus before = job.Status;
        job.Cursor = cursor;
        job.CameFurther();
        job.AddErrors(errors);
        int processed = before.Processed + successful + failed;
        CrashPoints.Pass(CrashPoints.JobChanging);
        UploadJobStatus next = before with
        {
            Processed = processed,
            Successful = before.Successful + successful,
            Failed = before.Failed + failed,
            LastError = errors.Count > 0 ? errors[^1].Message : before.LastError,
            State = processed == before.Total ? JobState.Completed : JobState.Running,
        };
        jobs.Change(job, next, at);
        CrashPoints.Pass(CrashPoints.JobChanged);
    }

    /// <summary>Ends an upload; what is left of it counts as failed.</summary>
    public static void End(this JobRegistry jobs, UploadJobEntry job, string lastError, bool cancelled, DateTimeOffset at)
    {
        UploadJobStatus before = job.Status;
        UploadJobStatus next = before with
        {
            Processed = before.Total,
            Failed = before.Total - before.Successful,
            LastError = lastError,
            Cancelled = cancelled,
            State = JobState.Completed,
        };
        jobs.Change(job, next, at);
    }
}
