using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Moorcheh.Namespaces;

namespace Moorcheh.Jobs;

/// <summary>
/// Gives namespaces with work to a fixed number of workers, one step at a time and in turn, so that one large upload does not keep
/// the others waiting. A namespace is with one worker at most. A step that throws is tried again after a pause.
/// </summary>
internal sealed class JobScheduler(int workers, NamespaceStep step, JobGiveUp giveUp, TimeProvider clock, ILogger logger)
{
    private const int FirstPauseMs = 200;
    private const int MaxPauseMs = 10_000;
    private const int StalledMinutes = 10;

    private readonly Channel<NamespaceEntry> _waiting = Channel.CreateUnbounded<NamespaceEntry>();
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<NamespaceEntry, long> _steps = new();
    private Task _running = Task.CompletedTask;

    /// <summary>How long the oldest step under way has been at work; zero when none is.</summary>
    public TimeSpan LongestStep => _steps.Values.Select(started => clock.GetElapsedTime(started)).DefaultIfEmpty().Max();

    public void Start() => _running = Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(WorkAsync)));

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

        _waiting.Writer.TryWrite(entry);
    }

    /// <summary>Stops at the next safe point of each worker.</summary>
    /// <returns>False when the time was over before all workers stopped.</returns>
    public async Task<bool> StopAsync(TimeSpan patience)
    {
        _waiting.Writer.TryComplete();
        await _stopping.CancelAsync().ConfigureAwait(false);
        try
        {
            await _running.WaitAsync(patience, clock).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task WorkAsync()
    {
        try
        {
            await foreach (NamespaceEntry entry in _waiting.Reader.ReadAllAsync(_stopping.Token).ConfigureAwait(false))
            {
                await StepAsync(entry).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The store is closing; what waits goes on when it is opened again.
        }
    }

    private async Task StepAsync(NamespaceEntry entry)
    {
        bool more;
        try
        {
            more = await RunStepAsync(entry).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e)
        {
            JobEntry? job = entry.DeleteJob is { IsFinished: false } delete ? delete : FirstUpload(entry);
            int attempt = job is null ? 1 : ++job.FailedAttempts;
            logger.JobStepFailed(job?.Status.JobId ?? "none", attempt, e);
            if (job is not null && await TryGiveUpAsync(entry, job, attempt, e).ConfigureAwait(false))
            {
                _waiting.Writer.TryWrite(entry);
                return;
            }

            var pause = TimeSpan.FromMilliseconds(Math.Min(MaxPauseMs, FirstPauseMs * Math.Pow(2, Math.Min(attempt - 1, 10))));
            _ = GoOnAfterAsync(entry, pause); // Without a worker: the others have work to do.
            return;
        }

        if (more)
        {
            _waiting.Writer.TryWrite(entry);
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
    private async Task<bool> RunStepAsync(NamespaceEntry entry)
    {
        var stalled = TimeSpan.FromMinutes(StalledMinutes);
        _steps[entry] = clock.GetTimestamp();
        try
        {
            ITimer watchdog = clock.CreateTimer(_ => logger.JobStepStalls(entry.Name, LongestStep), null, stalled, stalled);
            await using (watchdog.ConfigureAwait(false))
            {
                return await step(entry, _stopping.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            _steps.TryRemove(entry, out _);
        }
    }

    private async Task GoOnAfterAsync(NamespaceEntry entry, TimeSpan pause)
    {
        await Task.Delay(pause, clock, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _waiting.Writer.TryWrite(entry); // Refused once the store is closing.
    }

    /// <summary>Ends a job that failed too often; when even that fails, it is tried again with the next step.</summary>
    private async Task<bool> TryGiveUpAsync(NamespaceEntry entry, JobEntry job, int attempt, Exception cause)
    {
        try
        {
            return await giveUp(entry, job, attempt, cause).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            logger.JobStepFailed(job.Status.JobId, attempt, e);
            return false;
        }
    }

    private static UploadJobEntry? FirstUpload(NamespaceEntry entry)
    {
        lock (entry.Lock)
        {
            return entry.Uploads.First?.Value;
        }
    }
}

/// <summary>Does a bounded amount of a namespace's work.</summary>
/// <returns>True when there may be more to do right away.</returns>
internal delegate Task<bool> NamespaceStep(NamespaceEntry entry, CancellationToken cancellationToken);

/// <summary>Ends a job whose steps failed several times in a row.</summary>
/// <returns>False when it may still be tried.</returns>
internal delegate Task<bool> JobGiveUp(NamespaceEntry entry, JobEntry job, int attempts, Exception cause);
