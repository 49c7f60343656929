using Microsoft.Extensions.Logging;
using Moorcheh.Diagnostics;
using Moorcheh.Storage;

namespace Moorcheh.Jobs;

/// <summary>
/// All jobs, and the only place where a job changes. Every method that changes one is called after the change is on disk, so
/// nobody sees a state a crash could take back. Changes of one job come from one thread at a time (the writer of its namespace).
/// </summary>
/// <param name="options">Settings.</param>
/// <param name="records">Has what jobs keep beside their status once they have finished.</param>
/// <param name="logger">Told of what could not be forgotten.</param>
internal sealed class JobRegistry(MoorchehOptions options, IRecordStore records, ILogger logger)
{
    private readonly JobLists _jobs = new(options.Jobs.MaxFinished);
    private readonly PendingRoom _pending = new(options);
    private bool _closed;

    public IEnumerable<JobEntry> All => _jobs.All;

    public int RunningCount => _jobs.UnfinishedCount;

    public JobEntry? Find(Guid id) => _jobs.Find(id);

    /// <inheritdoc cref="JobLists.List"/>
    public IReadOnlyList<JobStatus> List(JobFilter filter) => _jobs.List(filter);

    /// <inheritdoc cref="PendingRoom.Reserve"/>
    public void Reserve(in JobRoom room) => _pending.Reserve(room);

    /// <summary>Takes room that an unfinished job turned out to need.</summary>
    public void Take(in JobRoom room) => _pending.Take(room);

    /// <summary>Gives room back when a job was not accepted after all.</summary>
    public void Release(in JobRoom room) => _pending.Release(room);

    /// <summary>Adds a job whose acceptance is in the journal and not known to be on disk: whoever asks for it hears so. Its room is reserved.</summary>
    public void AddUnaccepted(JobEntry job)
    {
        job.Status = job.Status with { IsAccepted = false };
        _jobs.Add(job);
    }

    /// <summary>The acceptance of a job is on disk.</summary>
    public void Accept(JobEntry job)
    {
        job.Status = job.Status with { IsAccepted = true };
        _jobs.Add(job);
    }

    /// <summary>Adds a job found at recovery.</summary>
    public void Restore(JobEntry job)
    {
        _jobs.Add(job);
        if (job.IsFinished)
        {
            job.Finished.TrySetResult();
        }
        else
        {
            _pending.Take(job.Room);
        }
    }

    /// <summary>Removes a job that was not accepted after all.</summary>
    public void Forget(JobEntry job)
    {
        if (_jobs.Remove(job))
        {
            _pending.Release(job.Room);
        }
    }

    /// <summary>Publishes how far a job has come; one that does not run any more has finished.</summary>
    public void Change(JobEntry job, JobStatus next, DateTimeOffset at)
    {
        if (job.IsFinished)
        {
            return; // It was revoked, or its namespace deleted, while a worker was about to begin: it has finished, and does so once.
        }

        DateTimeOffset before = job.Status.UpdatedAt;
        DateTimeOffset updated = at > before ? at : before;
        bool isFinished = next.State != JobState.Running;
        if (isFinished)
        {
            job.KeepRecords(records); // Before anybody can read that the job has finished and look for them.
        }

        job.Status = next with { UpdatedAt = updated, FinishedAt = isFinished ? updated : null };
        if (isFinished)
        {
            Finish(job);
        }
    }

    /// <summary>Forgets finished jobs that are too old or too many.</summary>
    public void Retire(DateTimeOffset now) => ForgetRecords(_jobs.Retire(now - options.Jobs.FinishedRetention));

    /// <summary>Ends every wait for an unfinished job: the store is closing.</summary>
    public void Close()
    {
        _closed = true;
        foreach (JobEntry job in _jobs.Unfinished)
        {
            job.Finished.TrySetException(ShuttingDown());
            _ = job.Finished.Task.Exception; // Observed: most jobs have nobody waiting.
        }
    }

    /// <summary>Waits until a job has finished and returns its final status.</summary>
    public async Task<JobStatus> WaitAsync(JobEntry job, CancellationToken cancellationToken)
    {
        if (_closed && !job.IsFinished)
        {
            throw ShuttingDown();
        }

        await job.Finished.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        return job.Status;
    }

    private static MoorchehException ShuttingDown() =>
        new(ErrorCodes.ShuttingDown, "The store is closing; the job goes on when it is opened again.");

    /// <summary>The bound on finished jobs holds at once, live and in replay: what is beyond it goes with the job that finishes.</summary>
    private void Finish(JobEntry job)
    {
        _pending.Release(job.Room);
        job.Release();
        if (job.Visibility == JobVisibility.Hidden)
        {
            _jobs.Remove(job);
        }

        IReadOnlyList<JobEntry> retired = _jobs.Finish(job);
        job.Finished.TrySetResult();
        ForgetRecords(retired);
    }

    private void ForgetRecords(IReadOnlyList<JobEntry> retired)
    {
        foreach (JobEntry job in retired)
        {
            try
            {
                job.ForgetRecords(records);
            }
            catch (Exception e)
            {
                logger.RetirementFailed(e); // The change that forgets it has been carried out all the same.
            }
        }
    }
}
