using Moorcheh.Jobs;

namespace Moorcheh;

/// <summary>A handle to an accepted job. Safe for use from several threads; holds nothing that needs disposing.</summary>
/// <typeparam name="TStatus">What is known of a job of this kind: <see cref="UploadJobStatus"/>, <see cref="DeleteJobStatus"/> or <see cref="ReembedJobStatus"/>.</typeparam>
public sealed class Job<TStatus>
    where TStatus : JobStatus
{
    private readonly JobCollection _jobs;
    private readonly JobEntry _job;

    internal Job(JobCollection jobs, JobEntry job)
    {
        _jobs = jobs;
        _job = job;
    }

    /// <summary><c>job-</c> and 32 lowercase hex digits.</summary>
    public string Id => _job.Status.Id;

    /// <summary>Name of the namespace the job was started for.</summary>
    public string Namespace => _job.Status.Namespace;

    /// <summary>The job as it is now, also when it is no longer kept.</summary>
    public TStatus Status => (TStatus)_job.Status;

    /// <summary>Waits until the job has finished.</summary>
    /// <returns>
    /// The final status. Neither item failures nor a failed delete throw: see <see cref="UploadJobStatus.Failed"/> and <see cref="JobStatus.State"/>.
    /// </returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the job goes on.</exception>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.ShuttingDown"/>: the store was closed first; the job goes on when it is opened again.</exception>
    public async Task<TStatus> WaitAsync(CancellationToken cancellationToken = default) =>
        (TStatus)await _jobs.WaitAsync(_job, cancellationToken).ConfigureAwait(false);
}
