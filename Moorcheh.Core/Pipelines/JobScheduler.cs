using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Moorcheh.Diagnostics;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>
/// Gives namespaces with work to a fixed number of workers, one step at a time and in turn, so that one large upload does not keep
/// the others waiting. A namespace is with one worker at most. A step that throws is tried again after a pause.
/// </summary>
internal sealed class JobScheduler
{
    private const int StalledMinutes = 10;

    private readonly NamespaceStep _step;
    private readonly JobGiveUp _giveUp;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly WorkerPool<NamespaceEntry> _pool;
    private readonly BackgroundLoop _loop;
    private readonly ConcurrentDictionary<NamespaceEntry, long> _steps = new();

    public JobScheduler(int workers, NamespaceStep step, JobGiveUp giveUp, TimeProvider clock, ILogger logger)
    {
        _step = step;
        _giveUp = giveUp;
        _clock = clock;
        _logger = logger;
        _loop = new BackgroundLoop("jobs", clock, logger);
        _pool = new WorkerPool<NamespaceEntry>(workers, StepAsync, clock, _loop);
    }

    /// <summary>How long the oldest step under way has been at work; zero when none is.</summary>
    public TimeSpan LongestStep => _steps.Values.Select(started => _clock.GetElapsedTime(started)).DefaultIfEmpty().Max();

    public LoopStatus Loop => _loop.Status;

    public void Start() => _pool.Start();

    /// <summary>Tells that a namespace has work.</summary>
    public void Wake(NamespaceEntry entry)
    {
        lock (entry.Lock)
        {
            if (entry.IsScheduled)
            {
                return;
            }

            entry.IsScheduled = true;
        }

        _pool.Add(entry);
    }

    /// <inheritdoc cref="WorkerPool{T}.StopAsync"/>
    public Task<bool> StopAsync(TimeSpan patience) => _pool.StopAsync(patience);

    private async Task StepAsync(NamespaceEntry entry, CancellationToken stopping)
    {
        bool more;
        try
        {
            more = await RunStepAsync(entry, stopping).ConfigureAwait(false);
            _loop.Succeed();
            entry.TroubledSteps = 0;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e) when (DiskTrouble.Is(e))
        {
            // Not the job's fault: no attempt of it.
            if (++entry.TroubledSteps == 1)
            {
                _logger.JobWaitsForDisk(FirstJob(entry)?.Status.JobId ?? "none", e);
            }

            _pool.AddAfterFailure(entry, DiskTrouble.PauseOf(entry.TroubledSteps));
            return;
        }
        catch (Exception e)
        {
            JobEntry? job = FirstJob(entry);
            int attempt = job is null ? 1 : ++job.FailedAttempts;
            _logger.JobStepFailed(job?.Status.JobId ?? "none", attempt, e);
            if (job is not null && await TryGiveUpAsync(entry, job, attempt, e).ConfigureAwait(false))
            {
                _pool.Add(entry);
                return;
            }

            _pool.AddAfterFailure(entry, attempt);
            return;
        }

        if (more)
        {
            _pool.Add(entry);
            return;
        }

        // An upload that is not on disk yet, even in a namespace that is being deleted, is its acceptor's: that one wakes us.
        // Work that arrived after the step looked finds the namespace still scheduled, so look once more after clearing the mark.
        bool again;
        lock (entry.Lock)
        {
            entry.IsScheduled = false;
            again = entry.Failure is null
                && (entry.Uploads.First is null ? entry.DeleteJob is { IsFinished: false } : entry.Uploads.Any(upload => upload.IsWorkable));
        }

        if (again)
        {
            Wake(entry);
        }
    }

    /// <summary>Runs a step, and tells the log when it does not come back: a step is bounded, so the embedder or the disk holds it.</summary>
    private async Task<bool> RunStepAsync(NamespaceEntry entry, CancellationToken stopping)
    {
        var stalled = TimeSpan.FromMinutes(StalledMinutes);
        _steps[entry] = _clock.GetTimestamp();
        try
        {
            ITimer watchdog = _clock.CreateTimer(_ => _logger.JobStepStalls(entry.Name, LongestStep), null, stalled, stalled);
            await using (watchdog.ConfigureAwait(false))
            {
                return await _step(entry, stopping).ConfigureAwait(false);
            }
        }
        finally
        {
            _steps.TryRemove(entry, out _);
        }
    }

    /// <summary>Ends a job that failed too often; when even that fails, it is tried again with the next step.</summary>
    private async Task<bool> TryGiveUpAsync(NamespaceEntry entry, JobEntry job, int attempt, Exception cause)
    {
        try
        {
            return await _giveUp(entry, job, attempt, cause).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _logger.JobStepFailed(job.Status.JobId, attempt, e);
            return false;
        }
    }

    private static JobEntry? FirstJob(NamespaceEntry entry)
    {
        lock (entry.Lock)
        {
            return entry.DeleteJob is { IsFinished: false } delete ? delete : entry.Uploads.First?.Value;
        }
    }
}

/// <summary>Does a bounded amount of a namespace's work.</summary>
/// <returns>True when there may be more to do right away.</returns>
internal delegate Task<bool> NamespaceStep(NamespaceEntry entry, CancellationToken cancellationToken);

/// <summary>Ends a job whose steps failed several times in a row.</summary>
/// <returns>False when it may still be tried.</returns>
internal delegate Task<bool> JobGiveUp(NamespaceEntry entry, JobEntry job, int attempts, Exception cause);
