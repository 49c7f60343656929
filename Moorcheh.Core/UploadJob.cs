namespace Moorcheh;

/// <summary>A handle to an accepted upload. Safe for use from several threads; holds nothing that needs disposing.</summary>
public sealed class UploadJob
{
    private readonly JobCollection _jobs;
    private readonly UploadJobStatus _accepted;

    internal UploadJob(JobCollection jobs, UploadJobStatus accepted)
    {
        _jobs = jobs;
        _accepted = accepted;
    }

    /// <summary><c>job-</c> and 32 lowercase hex digits.</summary>
    public string Id => _accepted.JobId;

    /// <summary>Namespace the items go to.</summary>
    public string NamespaceName => _accepted.NamespaceName;

    /// <summary>Entries of the batch.</summary>
    public int Total => _accepted.Total;

    /// <summary>The job as it is now. After the job's retention is over: as it was when it was accepted.</summary>
    public UploadJobStatus Status => _jobs.FindUpload(NamespaceName, Id) ?? _accepted;

    /// <summary>Waits until the job has finished.</summary>
    /// <returns>The final status. Item failures do not throw: see <see cref="UploadJobStatus.Failed"/>.</returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the job goes on.</exception>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.ShuttingDown"/>: the store was closed first; the job goes on when it is opened again.</exception>
    public async Task<UploadJobStatus> WaitAsync(CancellationToken cancellationToken = default) =>
        (UploadJobStatus)await _jobs.WaitAsync(_accepted, cancellationToken).ConfigureAwait(false);
}
