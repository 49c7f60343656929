using Moorcheh.Artifacts;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Diagnostics;

namespace Moorcheh.Jobs;

/// <summary>
/// All jobs, and the only place where a job changes. Every method that changes one is called after the change is on disk, so
/// nobody sees a state a crash could take back. Changes of one job come from one thread at a time (the writer of its namespace).
/// </summary>
/// <param name="options">Settings.</param>
/// <param name="keepErrors">Keeps the item errors of an upload that is about to finish.</param>
/// <param name="forget">Told of a finished job that is no longer kept. Called within a change, by replay, or while the store is opened.</param>
internal sealed class JobRegistry(MoorchehOptions options, Action<UploadJobEntry> keepErrors, Action<JobEntry> forget)
{
    private readonly JobLists _jobs = new(options.Jobs.MaxFinished);
    private readonly Lock _pendingLock = new();
    private int _pendingJobs;
    private long _pendingBytes;
    private int _pendingTasks;
    private int _pendingDeletes;
    private long _callbackBytes;
    private bool _closed;

    public IEnumerable<JobEntry> All => _jobs.All;

    public int RunningCount => _jobs.UnfinishedCount;

    public JobEntry? Find(Guid id) => _jobs.Find(id);

    /// <inheritdoc cref="JobLists.List"/>
    public IReadOnlyList<JobStatus> List(JobFilter filter) => _jobs.List(filter);

    /// <summary>Takes room for an upload that is about to be accepted.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.QueueFull"/>.</exception>
    public void ReservePending(long bytes)
    {
        lock (_pendingLock)
        {
            if (_pendingJobs >= options.Jobs.MaxPending)
            {
                throw new MoorchehException(ErrorCodes.QueueFull, $"Job queue is full ({_pendingJobs} jobs waiting).");
            }

            if (_pendingJobs > 0 && _pendingBytes + bytes > options.Jobs.MaxPendingBytes)
            {
                throw new MoorchehException(
                    ErrorCodes.QueueFull, $"Job queue is full ({_pendingBytes} bytes waiting of {options.Jobs.MaxPendingBytes}).");
            }

            TakePending(bytes);
        }
    }

    /// <summary>Gives room back when an upload was not accepted after all.</summary>
    public void ReleasePending(long bytes)
    {
        lock (_pendingLock)
        {
            _pendingJobs--;
            _pendingBytes -= bytes;
        }
    }

    /// <summary>Takes room for a task that is about to be accepted.</summary>
    /// <param name="isIngest">A delete is not refused for ingests that wait: it may revoke them.</param>
    /// <param name="callbackBytes">What its callback takes in memory until it ends.</param>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.QueueFull"/>.</exception>
    public void ReserveTask(bool isIngest, long callbackBytes)
    {
        lock (_pendingLock)
        {
            if (isIngest && _pendingTasks >= options.Artifacts.MaxPendingTasks)
            {
                throw new MoorchehException(ErrorCodes.QueueFull, $"Task queue is full ({_pendingTasks} tasks waiting).");
            }

            if (!isIngest && _pendingDeletes >= options.Artifacts.MaxPendingDeletes)
            {
                throw new MoorchehException(ErrorCodes.QueueFull, $"Task queue is full ({_pendingDeletes} deletes waiting of {options.Artifacts.MaxPendingDeletes}).");
            }

            if (_callbackBytes > 0 && callbackBytes > 0 && _callbackBytes + callbackBytes > options.Artifacts.MaxPendingCallbackBytes)
            {
                throw new MoorchehException(
                    ErrorCodes.QueueFull, $"Task queue is full ({_callbackBytes} bytes of callbacks waiting of {options.Artifacts.MaxPendingCallbackBytes}).");
            }

            TakeTask(isIngest, callbackBytes);
        }
    }

    /// <summary>Gives the room back of a task that was not accepted after all, or has ended.</summary>
    public void ReleaseTask(bool isIngest, long callbackBytes)
    {
        lock (_pendingLock)
        {
            TakeTask(isIngest, -callbackBytes, -1);
        }
    }

    /// <summary>Counts the callback of an unfinished task, which an opening found after the task.</summary>
    public void HoldCallback(ArtifactTaskEntry task)
    {
        lock (_pendingLock)
        {
            task.CallbackBytes = ArtifactTaskEntry.SizeOf(task.Callback?.Target);
            _callbackBytes += task.CallbackBytes;
        }
    }

    /// <summary>Adds an accepted job whose room was taken by <see cref="ReservePending"/>, or a delete job.</summary>
    public void Add(JobEntry job) => _jobs.Add(job);

    /// <summary>Adds a job whose acceptance is in the journal and not known to be on disk: whoever asks for it hears so.</summary>
    public void AddUnaccepted(JobEntry job)
    {
        job.Status = job.Status with { IsAccepted = false };
        Add(job);
    }

    /// <summary>The acceptance of a job is on disk.</summary>
    public void Accept(JobEntry job)
    {
        job.Status = job.Status with { IsAccepted = true };
        Add(job);
    }

    /// <summary>Adds a job found at recovery.</summary>
    public void Restore(JobEntry job)
    {
        Add(job);
        if (job.IsFinished)
        {
            job.Finished.TrySetResult();
        }
        else if (job is UploadJobEntry upload)
        {
            lock (_pendingLock)
            {
                TakePending(upload.PayloadBytes);
            }
        }
        else if (job is ArtifactTaskEntry task)
        {
            lock (_pendingLock)
            {
                TakeTask(task.Status.IsIngest, task.CallbackBytes);
            }
        }
    }

    /// <summary>Removes an upload that was not accepted after all.</summary>
    public void Forget(UploadJobEntry job)
    {
        if (_jobs.Remove(job))
        {
            ReleasePending(job.PayloadBytes);
        }
    }

    /// <summary>Counts entries of an upload.</summary>
    public void Progress(UploadJobEntry job, int cursor, int successful, int failed, IReadOnlyList<ItemError> errors, DateTimeOffset at)
    {
        UploadJobStatus before = job.Status;
        job.Cursor = cursor;
        job.FailedAttempts = 0;
        job.ProcessEnds = 0;
        AddErrors(job, errors);
        int processed = before.Processed + successful + failed;
        CrashPoints.Pass(CrashPoints.JobChanging);
        if (processed == before.Total)
        {
            keepErrors(job); // Before anybody can read that the job has finished and look for them.
        }

        ((JobEntry)job).Status = before with
        {
            Processed = processed,
            Successful = before.Successful + successful,
            Failed = before.Failed + failed,
            LastError = errors.Count > 0 ? errors[^1].Message : before.LastError,
            UpdatedAt = Later(at, before.UpdatedAt),
            State = processed == before.Total ? JobState.Completed : JobState.Running,
            FinishedAt = processed == before.Total ? Later(at, before.UpdatedAt) : null,
        };
        CrashPoints.Pass(CrashPoints.JobChanged);
        if (processed == before.Total)
        {
            Finish(job);
        }
    }

    /// <summary>Ends an upload; what is left of it counts as failed.</summary>
    public void End(UploadJobEntry job, string lastError, bool cancelled, DateTimeOffset at)
    {
        UploadJobStatus before = job.Status;
        keepErrors(job);
        ((JobEntry)job).Status = before with
        {
            Processed = before.Total,
            Failed = before.Total - before.Successful,
            LastError = lastError,
            Cancelled = cancelled,
            UpdatedAt = Later(at, before.UpdatedAt),
            State = JobState.Completed,
            FinishedAt = Later(at, before.UpdatedAt),
        };
        Finish(job);
    }

    /// <summary>Moves the counter of a delete; it never falls.</summary>
    public void Progress(DeleteJobEntry job, long deletedItems, DateTimeOffset at)
    {
        DeleteJobStatus before = job.Status;
        job.FailedAttempts = 0;
        job.ProcessEnds = 0;
        ((JobEntry)job).Status = before with
        {
            DeletedItems = Math.Clamp(deletedItems, before.DeletedItems, before.TotalItems),
            UpdatedAt = Later(at, before.UpdatedAt),
        };
    }

    /// <summary>Ends a delete: completed without an error, failed with one, and then nothing counts as freed.</summary>
    public void End(DeleteJobEntry job, long freedBytes, string? error, DateTimeOffset at)
    {
        DeleteJobStatus before = job.Status;
        ((JobEntry)job).Status = before with
        {
            DeletedItems = error is null ? before.TotalItems : before.DeletedItems,
            FreedBytes = error is null ? freedBytes : 0,
            LastError = error,
            UpdatedAt = Later(at, before.UpdatedAt),
            State = error is null ? JobState.Completed : JobState.Failed,
            FinishedAt = Later(at, before.UpdatedAt),
        };
        Finished(job);
    }

    /// <summary>A task's turn has come. Not on disk: after a crash it waits again.</summary>
    public static void Start(ArtifactTaskEntry task, DateTimeOffset at) =>
        ((JobEntry)task).Status = task.Status with { TaskState = ArtifactTaskState.Started, UpdatedAt = Later(at, task.Status.UpdatedAt) };

    /// <summary>Ends a task. Nobody can look up one whose caller waited for it.</summary>
    public void End(ArtifactTaskEntry task, ArtifactTaskState state, string? errorCode, string? error, bool isSkipped, DateTimeOffset at)
    {
        ArtifactTaskStatus before = task.Status;
        ((JobEntry)task).Status = before with
        {
            TaskState = state,
            State = state == ArtifactTaskState.Failure ? JobState.Failed : JobState.Completed,
            Cancelled = state == ArtifactTaskState.Revoked,
            ErrorCode = errorCode,
            LastError = error,
            IsSkipped = isSkipped,
            UpdatedAt = Later(at, before.UpdatedAt),
            FinishedAt = Later(at, before.UpdatedAt),
        };
        ReleaseTask(task.Status.IsIngest, task.CallbackBytes);
        if (task.IsSync)
        {
            _jobs.Remove(task);
        }

        Finished(task);
    }

    /// <summary>Forgets finished jobs that are too old or too many.</summary>
    public void Retire(DateTimeOffset now) => Forget(_jobs.Retire(now - options.Jobs.FinishedRetention));

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

    private static DateTimeOffset Later(DateTimeOffset x, DateTimeOffset y) => x > y ? x : y;

    private static void AddErrors(UploadJobEntry job, IReadOnlyList<ItemError> errors)
    {
        if (errors.Count > 0)
        {
            int room = JobErrors.MaxKept - job.Errors.Errors.Count;
            job.Errors = new JobErrors([.. job.Errors.Errors, .. errors.Take(room)], job.Errors.Omitted + Math.Max(0, errors.Count - room));
        }
    }

    private void Finish(UploadJobEntry job)
    {
        ReleasePending(job.PayloadBytes);
        job.Release();
        Finished(job);
    }

    /// <summary>The bound on finished jobs holds at once, live and in replay: what is beyond it goes with the job that finishes.</summary>
    private void Finished(JobEntry job)
    {
        IReadOnlyList<JobEntry> retired = _jobs.Finish(job);
        job.Finished.TrySetResult();
        Forget(retired);
    }

    private void Forget(IReadOnlyList<JobEntry> retired)
    {
        foreach (JobEntry job in retired)
        {
            forget(job);
        }
    }

    private void TakeTask(bool isIngest, long callbackBytes, int count = 1)
    {
        _pendingTasks += count;
        _pendingDeletes += isIngest ? 0 : count;
        _callbackBytes += callbackBytes;
    }

    private void TakePending(long bytes)
    {
        _pendingJobs++;
        _pendingBytes += bytes;
    }
}
