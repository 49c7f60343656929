namespace Moorcheh;

/// <summary>A handle to an accepted namespace delete. Safe for use from several threads.</summary>
public sealed class DeleteJob
{
    private readonly JobCollection _jobs;
    private readonly DeleteJobStatus _accepted;

    internal DeleteJob(JobCollection jobs, DeleteJobStatus accepted)
    {
        _jobs = jobs;
        _accepted = accepted;
    }

    /// <summary><c>job-</c> and 32 lowercase hex digits.</summary>
    public string Id => _accepted.JobId;

    /// <summary>Namespace being deleted.</summary>
    public string NamespaceName => _accepted.NamespaceName;

    /// <summary>Items in the namespace when the delete started.</summary>
    public long TotalItems => _accepted.TotalItems;

    /// <summary>The job as it is now. After the job's retention is over: as it was when it was accepted.</summary>
    public DeleteJobStatus Status => _jobs.FindDelete(NamespaceName, Id) ?? _accepted;

    /// <summary>Waits until the job has finished; a failed delete does not throw, see <see cref="JobStatus.State"/>.</summary>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the job goes on.</exception>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.ShuttingDown"/>: the store was closed first; the job goes on when it is opened again.</exception>
    public async Task<DeleteJobStatus> WaitAsync(CancellationToken cancellationToken = default) =>
        (DeleteJobStatus)await _jobs.WaitAsync(_accepted, cancellationToken).ConfigureAwait(false);
}
