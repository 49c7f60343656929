using Moorcheh.Diagnostics;
using Moorcheh.Jobs;
using Moorcheh.Storage;

namespace Moorcheh;

/// <summary>
/// The jobs of a store, running and recently finished, also those of earlier runs. Tasks on artifacts are among them where their kind is asked for; each by itself is
/// with <see cref="Artifacts.ArtifactStore"/>. Readings come from memory and never wait for a job. Safe for use from several threads.
/// </summary>
public sealed class JobCollection
{
    /// <summary>Most jobs in one listing.</summary>
    public const int MaxListed = 200;

    private readonly JobRegistry _registry;
    private readonly IRecordStore _records;
    private readonly OperationGuard _operations;
    private readonly Func<JobEntry, Task<bool>> _cancel;

    internal JobCollection(
        JobRegistry registry, IRecordStore records, OperationGuard operations, Func<JobEntry, Task<bool>> cancel)
    {
        _cancel = cancel;
        _registry = registry;
        _records = records;
        _operations = operations;
    }

    /// <summary>Finds an upload, a delete or a re-embedding of a namespace; null when there is none or it is no longer kept.</summary>
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

    /// <summary>The item errors of an upload or re-embedding, empty for a delete job; null when there is no such job.</summary>
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
                case JobEntry running when running.Errors is var errors && !running.IsFinished:
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
    /// Ends an upload or a re-embedding, with <see cref="JobStatus.Cancelled"/> set. What an upload has stored stays; what is left counts as failed. A
    /// namespace that was being re-embedded stays as it was. The job has ended, on disk, when this returns.
    /// </summary>
    /// <param name="jobId">The job.</param>
    /// <param name="cancellationToken">Ends the wait for it. The job may be cancelled all the same: its status tells.</param>
    /// <returns>The final status; null when there is no such job.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.JobFinished"/>, <see cref="ErrorCodes.JobNotCancellable"/> for a delete job, <see cref="ErrorCodes.OutcomeUnknown"/>, also of a job
    /// that is not <see cref="JobStatus.IsAccepted"/> yet, or <see cref="ErrorCodes.ShuttingDown"/>.
    /// </exception>
    public async Task<JobStatus?> CancelAsync(string jobId, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        JobEntry? job = FindEntry(jobId);
        switch (job)
        {
            case null:
                return null;
            case UploadJobEntry or ReembedJobEntry when !job.Status.IsAccepted:
                throw new MoorchehException(ErrorCodes.OutcomeUnknown, $"It is not known yet whether job '{jobId}' is on disk; it cannot be cancelled before.");
            case UploadJobEntry or ReembedJobEntry:
                if (job.IsFinished || !await _cancel(job).WaitAsync(cancellationToken).ConfigureAwait(false))
                {
                    throw new MoorchehException(ErrorCodes.JobFinished, $"Job '{jobId}' is already completed.");
                }

                return job.Status;
            default:
                throw new MoorchehException(ErrorCodes.JobNotCancellable, $"Job '{jobId}' deletes data and cannot be cancelled.");
        }
    }

    internal Task<JobStatus> WaitAsync(JobEntry job, CancellationToken cancellationToken) => _registry.WaitAsync(job, cancellationToken);

    private JobEntry? FindEntry(string jobId) =>
        JobId.Parse(jobId) is { } id && _registry.Find(id) is { } job && job.Status.Id == jobId ? job : null;
}
