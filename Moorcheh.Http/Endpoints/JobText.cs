using Moorcheh.Http.Contracts;

namespace Moorcheh.Http.Endpoints;

/// <summary>Turns job states into answers.</summary>
internal static class JobText
{
    public static UploadJobResponse ToResponse(UploadJobStatus job) => new(
        job.Id,
        job.Namespace,
        Wire.State(job.State),
        job.Total,
        job.Processed,
        job.Successful,
        job.Failed,
        job.LastError,
        Wire.Time(job.StartedAt),
        Wire.Time(job.UpdatedAt),
        Wire.Time(job.FinishedAt),
        AcceptedOf(job));

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
        var upload = job as UploadJobStatus;
        var delete = job as DeleteJobStatus;
        var items = job as ItemDeleteJobStatus;
        return new JobEntry
        {
            JobId = job.Id,
            Type = Wire.Type(job.Kind),
            NamespaceName = job.Namespace,
            Status = Wire.State(job.State),
            Cancelled = job.Cancelled,
            Total = upload?.Total,
            Processed = upload?.Processed,
            Successful = upload?.Successful,
            Failed = upload?.Failed,
            TotalItems = delete?.TotalItems ?? items?.TotalItems,
            DeletedItems = delete?.DeletedItems ?? items?.DeletedItems,
            LastError = job.LastError,
            StartedAt = Wire.Time(job.StartedAt),
            UpdatedAt = Wire.Time(job.UpdatedAt),
            FinishedAt = Wire.Time(job.FinishedAt),
            Accepted = AcceptedOf(job),
            Errors = errors is null ? null : [.. errors.Errors.Select(error => new JobErrorEntry(error.Index, error.Id, error.Message))],
            ErrorsOmitted = errors?.Omitted,
        };
    }

    private static bool? AcceptedOf(JobStatus job) => job.IsAccepted ? null : false;
}
