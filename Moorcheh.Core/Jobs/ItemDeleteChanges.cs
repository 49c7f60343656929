namespace Moorcheh.Jobs;

/// <summary>How deletes of items by a filter change.</summary>
internal static class ItemDeleteChanges
{
    /// <summary>Counts what was deleted.</summary>
    public static void Progress(this JobRegistry jobs, ItemDeleteJobEntry job, int deleted, DateTimeOffset at)
    {
        job.CameFurther();
        jobs.Change(job, job.Status with { DeletedItems = job.Status.DeletedItems + deleted }, at);
    }

    /// <summary>Ends it: completed without an error, failed with one.</summary>
    public static void End(this JobRegistry jobs, ItemDeleteJobEntry job, string? error, DateTimeOffset at) =>
        jobs.Change(job, job.Status with { LastError = error, State = error is null ? JobState.Completed : JobState.Failed }, at);
}
