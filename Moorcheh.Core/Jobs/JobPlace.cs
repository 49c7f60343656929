namespace Moorcheh.Jobs;

/// <summary>A place in the list of jobs: newest first, by the start time in whole milliseconds, as it is shown, then by id, both descending.</summary>
/// <param name="Started">Milliseconds.</param>
/// <param name="JobId">Compared ordinal.</param>
/// <param name="Job">The job there; null for a place that is only compared.</param>
internal readonly record struct JobPlace(long Started, string JobId, JobEntry? Job)
{
    /// <summary>Behind every job.</summary>
    public static JobPlace Last { get; } = new(long.MinValue, string.Empty, null);

    public static Comparer<JobPlace> Order { get; } = Comparer<JobPlace>.Create((x, y) =>
        y.Started.CompareTo(x.Started) is var time and not 0 ? time : string.CompareOrdinal(y.JobId, x.JobId));

    public static JobPlace Of(JobEntry job) => Of(job.Status) with { Job = job };

    public static JobPlace Of(JobStatus status) => Of(status.StartedAt, status.Id);

    public static JobPlace Of(DateTimeOffset startedAt, string jobId) => new(startedAt.UtcTicks / TimeSpan.TicksPerMillisecond, jobId, null);
}
