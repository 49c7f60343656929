using Moorcheh.Jobs;

namespace Moorcheh;

/// <summary>A handle to an accepted upload. Safe for use from several threads; holds nothing that needs disposing.</summary>
public sealed class UploadJob
{
    private readonly JobCollection _jobs;
    private readonly UploadJobEntry _job;

    internal UploadJob(JobCollection jobs, UploadJobEntry job)
    {
        _jobs = jobs;
        _job = job;
    }

    /// <summary><c>job-</c> and 32 lowercase hex digits.</summary>
    public string Id => _job.Status.JobId;

    /// <summary>Namespace the items go to.</summary>
    public string NamespaceName => _job.Status.NamespaceName;

    /// <summary>Entries of the batch.</summary>
    public int Total => _job.Status.Total;

    /// <summary>The job as it is now, also when it is no longer kept.</summary>
    public UploadJobStatus Status => _job.Status;

    /// <summary>Waits until the job has finished.</summary>
    /// <returns>The final status. Item failures do not throw: see <see cref="UploadJobStatus.Failed"/>.</returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the job goes on.</exception>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.ShuttingDown"/>: the store was closed first; the job goes on when it is opened again.</exception>
    public async Task<UploadJobStatus> WaitAsync(CancellationToken cancellationToken = default) =>
        (UploadJobStatus)await _jobs.WaitAsync(_job, cancellationToken).ConfigureAwait(false);
}
