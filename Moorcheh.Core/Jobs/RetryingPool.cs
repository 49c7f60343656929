using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Moorcheh.Diagnostics;
using Moorcheh.Storage;

namespace Moorcheh.Jobs;

/// <summary>
/// Gives lines of work to a fixed number of workers, one step at a time and in turn, so that one long line does not keep the others waiting. A line is with one
/// worker at most. A step that throws is tried again after a pause; one that met trouble of the disk is no attempt.
/// </summary>
/// <typeparam name="T">What has work for one worker: a namespace, or an artifact.</typeparam>
internal abstract class RetryingPool<T>
    where T : class
{
    private const int StalledMinutes = 10;

    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly WorkerPool<T>[] _lanes;
    private readonly BackgroundLoop _loop;
    private readonly ConcurrentDictionary<T, long> _steps = new();
    private readonly ConcurrentDictionary<T, int> _troubled = new();

    /// <param name="name">Of the loop in <see cref="StoreStatus.Loops"/>.</param>
    /// <param name="workers">Their number in each lane.</param>
    /// <param name="clock">For pauses and patience.</param>
    /// <param name="logger">Told of failures.</param>
    /// <param name="lanes">How many kinds of lines have workers of their own (<see cref="LaneOf"/>).</param>
    protected RetryingPool(string name, int workers, TimeProvider clock, ILogger logger, int lanes = 1)
    {
        _clock = clock;
        _logger = logger;
        _loop = new BackgroundLoop(name, clock, logger);
        _lanes = [.. Enumerable.Range(0, lanes).Select(_ => new WorkerPool<T>(workers, WorkAsync, clock, _loop))];
    }

    /// <summary>How long the oldest step under way has been at work; zero when none is.</summary>
    public TimeSpan LongestStep => _steps.Values.Select(started => _clock.GetElapsedTime(started)).DefaultIfEmpty().Max();

    public LoopStatus Loop => _loop.Status;

    public virtual void Start()
    {
        foreach (WorkerPool<T> lane in _lanes)
        {
            lane.Start();
        }
    }

    /// <inheritdoc cref="WorkerPool{T}.StopAsync"/>
    public async Task<bool> StopAsync(TimeSpan patience)
    {
        bool[] stopped = await Task.WhenAll(_lanes.Select(lane => lane.StopAsync(patience))).ConfigureAwait(false);
        return stopped.All(isStopped => isStopped);
    }

    /// <summary>Puts a line behind the others, which no worker has and none is to get by another call.</summary>
    protected void Add(T line) => PoolOf(line).Add(line);

    /// <summary>Whose workers a line has, from 0 on, always the same: lines of one lane do not wait for those of another.</summary>
    protected virtual int LaneOf(T line) => 0;

    /// <summary>Does a bounded amount of a line's work.</summary>
    protected abstract Task<StepEnd> StepAsync(T line, CancellationToken stopping);

    /// <summary>Gives a line back, so that it can be added again.</summary>
    /// <returns>False when it was not, because there is work that came after the step had looked.</returns>
    protected abstract bool TryGiveBack(T line, StepEnd end);

    /// <summary>The job that a step of a line failed with; null when there is none.</summary>
    protected abstract JobEntry? FailedJob(T line);

    /// <summary>The namespace a line works on.</summary>
    protected abstract string NamespaceOf(T line);

    /// <summary>Ends a job whose steps failed several times in a row.</summary>
    /// <returns>False when it may still be tried.</returns>
    protected virtual Task<bool> GiveUpAsync(T line, JobEntry job, int attempts, Exception cause) => Task.FromResult(false);

    private WorkerPool<T> PoolOf(T line) => _lanes[LaneOf(line)];

    private async Task WorkAsync(T line, CancellationToken stopping)
    {
        JobEntry? working = FailedJob(line);
        try
        {
            StepEnd end = await WatchedStepAsync(line, stopping).ConfigureAwait(false);
            _troubled.TryRemove(line, out _);
            if (end != StepEnd.Stuck)
            {
                _loop.Succeed();
            }

            if (end == StepEnd.More || !TryGiveBack(line, end))
            {
                PoolOf(line).Add(line);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // It goes on when the store is opened again.
        }
        catch (Exception e) when (DiskTrouble.Is(e))
        {
            // Not the job's fault: no attempt of it.
            int times = _troubled.AddOrUpdate(line, 1, (_, before) => before + 1);
            if (times == 1)
            {
                _logger.JobWaitsForDisk(IdOf(FailedJob(line)), e);
            }

            PoolOf(line).AddAfterFailure(line, DiskTrouble.PauseOf(times));
        }
        catch (Exception e)
        {
            // What came up during the step has not failed.
            JobEntry? job = working is { IsFinished: false } ? working : FailedJob(line);
            int attempt = job is null ? 1 : ++job.FailedAttempts;
            _logger.JobStepFailed(IdOf(job), attempt, e);
            if (job is not null && await TryGiveUpAsync(line, job, attempt, e).ConfigureAwait(false))
            {
                PoolOf(line).Add(line);
                return;
            }

            PoolOf(line).AddAfterFailure(line, attempt);
        }
    }

    /// <summary>Does a step, and tells the log when it does not come back: the embedder or the disk holds it.</summary>
    private async Task<StepEnd> WatchedStepAsync(T line, CancellationToken stopping)
    {
        var stalled = TimeSpan.FromMinutes(StalledMinutes);
        _steps[line] = _clock.GetTimestamp();
        try
        {
            ITimer watchdog = _clock.CreateTimer(_ => _logger.JobStepStalls(NamespaceOf(line), LongestStep), null, stalled, stalled);
            await using (watchdog.ConfigureAwait(false))
            {
                return await StepAsync(line, stopping).ConfigureAwait(false);
            }
        }
        finally
        {
            _steps.TryRemove(line, out _);
        }
    }

    /// <summary>Ends a job that failed too often; when even that fails, it is tried again with the next step.</summary>
    private async Task<bool> TryGiveUpAsync(T line, JobEntry job, int attempt, Exception cause)
    {
        try
        {
            return await GiveUpAsync(line, job, attempt, cause).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _logger.JobStepFailed(job.Status.Id, attempt, e);
            return false;
        }
    }

    private static string IdOf(JobEntry? job) => job?.Status.Id ?? "none";
}

internal enum StepEnd
{
    /// <summary>There is more to do right away.</summary>
    More,

    /// <summary>Nothing is left.</summary>
    Done,

    /// <summary>What is left cannot go on until somebody adds the line again.</summary>
    Stuck,
}
