using Moorcheh.Http.Contracts;

namespace Moorcheh.Http.Endpoints;

/// <summary>Turns job states into answers.</summary>
internal static class JobText
{
    /// <summary>An upload, or a re-embedding, which has the same counters.</summary>
    public static UploadJobResponse ToUploadResponse(JobStatus job)
    {
        (int total, int processed, int successful, int failed) = CountersOf(job) ?? default;
        return new(
            job.Id,
            job.Namespace,
            Wire.State(job.State),
            total,
            processed,
            successful,
            failed,
            job.LastError,
            Wire.Time(job.StartedAt),
            Wire.Time(job.UpdatedAt),
            Wire.Time(job.FinishedAt),
            AcceptedOf(job));
    }

    public static DeleteJobResponse ToResponse(DeleteJobStatus job) => new(
        job.Id,
        job.Namespace,
        Wire.State(job.State),
        job.TotalItems,
        job.DeletedItems,
        job.LastError,
        Wire.Time(job.StartedAt),
        Wire.Time(job.UpdatedAt),
        Wire.Time(job.FinishedAt),
        AcceptedOf(job));

    /// <summary>A job of any kind; with <paramref name="errors"/> also what its entries failed with.</summary>
    public static JobEntry ToEntry(JobStatus job, JobErrors? errors = null)
    {
        (int Total, int Processed, int Successful, int Failed)? items = CountersOf(job);
        var delete = job as DeleteJobStatus;
        var itemDelete = job as ItemDeleteJobStatus;
        return new JobEntry
        {
            JobId = job.Id,
            Type = Wire.Type(job.Kind),
            NamespaceName = job.Namespace,
            Status = Wire.State(job.State),
            Cancelled = job.Cancelled,
            Total = items?.Total,
            Processed = items?.Processed,
            Successful = items?.Successful,
            Failed = items?.Failed,
            TotalItems = delete?.TotalItems ?? itemDelete?.TotalItems,
            DeletedItems = delete?.DeletedItems ?? itemDelete?.DeletedItems,
            LastError = job.LastError,
            StartedAt = Wire.Time(job.StartedAt),
            UpdatedAt = Wire.Time(job.UpdatedAt),
            FinishedAt = Wire.Time(job.FinishedAt),
            Accepted = AcceptedOf(job),
            Errors = errors is null ? null : [.. errors.Errors.Select(error => new JobErrorEntry(error.Index, error.Id, error.Message))],
            ErrorsOmitted = errors?.Omitted,
        };
    }

    private static (int Total, int Processed, int Successful, int Failed)? CountersOf(JobStatus job) => job switch
    {
        UploadJobStatus upload => (upload.Total, upload.Processed, upload.Successful, upload.Failed),
        ReembedJobStatus reembed => (reembed.Total, reembed.Processed, reembed.Successful, reembed.Failed),
        _ => null,
    };

    private static bool? AcceptedOf(JobStatus job) => job.IsAccepted ? null : false;
}
