namespace Moorcheh.Jobs;

/// <summary>How re-embeddings change.</summary>
internal static class ReembedChanges
{
    /// <summary>Counts items of a re-embedding.</summary>
    /// <param name="jobs">All jobs.</param>
    /// <param name="job">The job.</param>
    /// <param name="errors">Items that could not be embedded; one that is known already counts once.</param>
    /// <param name="at">When.</param>
    public static void Progress(this JobRegistry jobs, ReembedJobEntry job, IReadOnlyList<ItemError> errors, DateTimeOffset at)
    {
        ReembedJobStatus before = job.Status;
        HashSet<string> known = [.. job.Errors.Errors.Select(error => error.Id)];
        job.AddErrors([.. errors.Where(error => known.Add(error.Id))]);
        job.CameFurther();
        int failed = Math.Min(before.Total, job.Errors.Errors.Count + job.Errors.Omitted);
        int successful = (int)Math.Clamp(job.Index.Count, before.Successful, Math.Max(before.Successful, before.Total - failed));
        jobs.Change(
            job,
            before with
            {
                Processed = Math.Min(before.Total, successful + failed),
                Successful = successful,
                Failed = failed,
                LastError = errors.Count > 0 ? errors[^1].Message : before.LastError,
            },
            at);
    }

    /// <summary>Counts from the beginning: another embedder makes all vectors anew.</summary>
    public static void Restart(this JobRegistry jobs, ReembedJobEntry job, DateTimeOffset at)
    {
        job.Errors = JobErrors.None;
        jobs.Change(job, job.Status with { Processed = 0, Successful = 0, Failed = 0, LastError = null }, at);
    }

    /// <summary>Completes a re-embedding: each item has its new vector.</summary>
    public static void Complete(this JobRegistry jobs, ReembedJobEntry job, DateTimeOffset at)
    {
        ReembedJobStatus before = job.Status;
        job.Errors = JobErrors.None; // Of items that are gone, or were embedded later.
        jobs.Change(
            job,
            before with { Processed = before.Total, Successful = before.Total, Failed = 0, LastError = null, State = JobState.Completed },
            at);
    }

    /// <summary>Ends a re-embedding without that the namespace has changed.</summary>
    public static void Fail(this JobRegistry jobs, ReembedJobEntry job, string lastError, bool cancelled, DateTimeOffset at) =>
        jobs.Change(job, job.Status with { LastError = lastError, Cancelled = cancelled, State = JobState.Failed }, at);
}
