using Moorcheh.Jobs;

namespace Moorcheh;

/// <summary>A handle to an accepted namespace delete. Safe for use from several threads.</summary>
public sealed class DeleteJob
{
    private readonly JobCollection _jobs;
    private readonly DeleteJobEntry _job;

    internal DeleteJob(JobCollection jobs, DeleteJobEntry job)
    {
        _jobs = jobs;
        _job = job;
    }

    /// <summary><c>job-</c> and 32 lowercase hex digits.</summary>
    public string Id => _job.Status.JobId;

    /// <summary>Namespace being deleted.</summary>
    public string NamespaceName => _job.Status.NamespaceName;

    /// <summary>Items in the namespace when the delete started.</summary>
    public long TotalItems => _job.Status.TotalItems;

    /// <summary>The job as it is now, also when it is no longer kept.</summary>
    public DeleteJobStatus Status => _job.Status;

    /// <summary>Waits until the job has finished; a failed delete does not throw, see <see cref="JobStatus.State"/>.</summary>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the job goes on.</exception>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.ShuttingDown"/>: the store was closed first; the job goes on when it is opened again.</exception>
    public async Task<DeleteJobStatus> WaitAsync(CancellationToken cancellationToken = default) =>
        (DeleteJobStatus)await _jobs.WaitAsync(_job, cancellationToken).ConfigureAwait(false);
}
