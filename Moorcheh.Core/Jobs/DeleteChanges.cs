namespace Moorcheh.Jobs;

/// <summary>How deletes of namespaces change.</summary>
internal static class DeleteChanges
{
    /// <summary>Moves the counter of a delete; it never falls.</summary>
    public static void Progress(this JobRegistry jobs, DeleteJobEntry job, long deletedItems, DateTimeOffset at)
    {
        DeleteJobStatus before = job.Status;
        job.CameFurther();
        jobs.Change(job, before with { DeletedItems = Math.Clamp(deletedItems, before.DeletedItems, before.TotalItems) }, at);
    }

    /// <summary>Ends a delete: completed without an error, failed with one, and then nothing counts as freed.</summary>
    public static void End(this JobRegistry jobs, DeleteJobEntry job, long freedBytes, string? error, DateTimeOffset at)
    {
        DeleteJobStatus before = job.Status;
        DeleteJobStatus next = before with
        {
            DeletedItems = error is null ? before.TotalItems : before.DeletedItems,
            FreedBytes = error is null ? freedBytes : 0,
            LastError = error,
            State = error is null ? JobState.Completed : JobState.Failed,
        };
        jobs.Change(job, next, at);
    }
}
