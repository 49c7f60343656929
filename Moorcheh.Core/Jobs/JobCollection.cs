using Moorcheh.Artifacts.Tasks;
using Moorcheh.Diagnostics;
using Moorcheh.Jobs;
using Moorcheh.Storage;

namespace Moorcheh;

/// <summary>
/// The jobs of a store, running and recently finished, also those of earlier runs; tasks on artifacts are not among them. Readings come from memory and never wait for
/// a job. Safe for use from several threads.
/// </summary>
public sealed class JobCollection
{
    /// <summary>Most jobs in one listing.</summary>
    public const int MaxListed = 200;

    private readonly JobRegistry _registry;
    private readonly IRecordStore _records;
    private readonly OperationGuard _operations;
    private readonly Func<UploadJobEntry, Task<bool>> _cancel;

    internal JobCollection(
        JobRegistry registry, IRecordStore records, OperationGuard operations, Func<UploadJobEntry, Task<bool>> cancel)
    {
        _cancel = cancel;
        _registry = registry;
        _records = records;
        _operations = operations;
    }

    /// <summary>Finds an upload job; null unless the id is an upload job's and was started for this namespace name.</summary>
    public UploadJobStatus? FindUpload(string namespaceName, string jobId) =>
        Find(jobId) is UploadJobStatus status && status.NamespaceName == namespaceName ? status : null;

    /// <summary>Finds a delete job; null unless the id is a delete job's and was started for this namespace name.</summary>
    public DeleteJobStatus? FindDelete(string namespaceName, string jobId) =>
        Find(jobId) is DeleteJobStatus status && status.NamespaceName == namespaceName ? status : null;

    /// <summary>Finds a job of any kind; null when there is none or it is no longer kept.</summary>
    public JobStatus? Find(string jobId) => FindEntry(jobId)?.Status;

    /// <summary>Lists jobs, newest first (start time in whole milliseconds, as it is shown, then id ordinal, both descending).</summary>
    /// <param name="filter">What to list; null for the newest <see cref="JobFilter.Limit"/> of all.</param>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="JobFilter.Limit"/> is not from 1 to <see cref="MaxListed"/>.</exception>
    public IReadOnlyList<JobStatus> List(JobFilter? filter = null)
    {
        filter ??= new JobFilter();
        ArgumentOutOfRangeException.ThrowIfLessThan(filter.Limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(filter.Limit, MaxListed);
        return _registry.List(filter);
    }

    /// <summary>The item errors of an upload job, empty for a delete job; null when there is no such job.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.ShuttingDown"/> or <see cref="ErrorCodes.StorageDamaged"/>.</exception>
    public async Task<JobErrors?> FindErrorsAsync(string jobId, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using (_operations.Enter())
        {
            switch (FindEntry(jobId))
            {
                case null:
                    return null;
                case UploadJobEntry upload when upload.Errors is var errors && !upload.IsFinished:
                    return errors; // Taken before the look at the state: a job that has finished lets go of them.
                case JobEntry finished:
                    return await JobErrorRecords.LoadAsync(_records, finished.Id).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Waits until a job has finished; null when there is no such job.</summary>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the job goes on.</exception>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.ShuttingDown"/>: the store was closed first.</exception>
    public async Task<JobStatus?> WaitAsync(string jobId, CancellationToken cancellationToken = default) =>
        FindEntry(jobId) is { } job ? await _registry.WaitAsync(job, cancellationToken).ConfigureAwait(false) : null;

    /// <summary>
    /// Ends an upload job. What it has stored stays; what is left counts as failed, with <see cref="JobStatus.Cancelled"/> set. It has ended, on
    /// disk, when this returns.
    /// </summary>
    /// <returns>The final status; null when there is no such job.</returns>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.JobFinished"/>, <see cref="ErrorCodes.JobNotCancellable"/> for a delete job, <see cref="ErrorCodes.OutcomeUnknown"/>, also of a job
    /// that is not <see cref="JobStatus.IsAccepted"/> yet, or <see cref="ErrorCodes.ShuttingDown"/>.
    /// </exception>
    public async Task<UploadJobStatus?> CancelAsync(string jobId)
    {
        switch (FindEntry(jobId))
        {
            case null:
                return null;
            case UploadJobEntry { Status.IsAccepted: false }:
                throw new MoorchehException(ErrorCodes.OutcomeUnknown, $"It is not known yet whether job '{jobId}' is on disk; it cannot be cancelled before.");
            case UploadJobEntry upload:
                if (upload.IsFinished || !await _cancel(upload).ConfigureAwait(false))
                {
                    throw new MoorchehException(ErrorCodes.JobFinished, $"Job '{jobId}' is already completed.");
                }

                return upload.Status;
            default:
                throw new MoorchehException(ErrorCodes.JobNotCancellable, $"Job '{jobId}' deletes data and cannot be cancelled.");
        }
    }

    internal Task<JobStatus> WaitAsync(JobEntry job, CancellationToken cancellationToken) => _registry.WaitAsync(job, cancellationToken);

    private JobEntry? FindEntry(string jobId) =>
        JobId.Parse(jobId) is { } id && _registry.Find(id) is { } job and not ArtifactTaskEntry ? job : null;
}
