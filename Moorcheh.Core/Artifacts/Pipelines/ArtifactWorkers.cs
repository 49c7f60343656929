using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Diagnostics;
using Moorcheh.Jobs;
using Moorcheh.Storage;

namespace Moorcheh.Artifacts.Pipelines;

/// <summary>
/// Gives lines with work to a fixed number of workers, one task at a time and in turn. A line is with one worker at most. A task that throws is
/// tried again after a pause.
/// </summary>
internal sealed class ArtifactWorkers
{
    private readonly ArtifactQueue _queue;
    private readonly ArtifactStep _step;
    private readonly ILogger _logger;
    private readonly BackgroundLoop _loop;
    private readonly WorkerPool<ArtifactLine> _pool;

    public ArtifactWorkers(ArtifactQueue queue, int workers, ArtifactStep step, TimeProvider clock, ILogger logger)
    {
        _queue = queue;
        _step = step;
        _logger = logger;
        _loop = new BackgroundLoop("tasks", clock, logger);
        _pool = new WorkerPool<ArtifactLine>(workers, WorkAsync, clock, _loop);
    }

    public LoopStatus Loop => _loop.Status;

    public void Start()
    {
        foreach (ArtifactKey key in Keys())
        {
            Wake(key);
        }

        _pool.Start();
    }

    /// <summary>Tells that there may be work for an artifact.</summary>
    public void Wake(ArtifactKey key)
    {
        if (_queue.TryTake(key) is { } line)
        {
            _pool.Add(line);
        }
    }

    /// <inheritdoc cref="WorkerPool{T}.StopAsync"/>
    public Task<bool> StopAsync(TimeSpan patience) => _pool.StopAsync(patience);

    private List<ArtifactKey> Keys()
    {
        lock (_queue.Lock)
        {
            return [.. _queue.All.Select(task => task.Key).Distinct()];
        }
    }

    private async Task WorkAsync(ArtifactLine line, CancellationToken stopping)
    {
        if (_queue.Next(line) is { } task && await StepAsync(line, task, stopping).ConfigureAwait(false))
        {
            _pool.Add(line);
        }
    }

    /// <summary>Works on a task.</summary>
    /// <returns>True when the line may have more to do right away.</returns>
    private async Task<bool> StepAsync(ArtifactLine line, ArtifactTaskEntry task, CancellationToken stopping)
    {
        try
        {
            bool mayGoOn = await _step(task, stopping).ConfigureAwait(false);
            line.TroubledSteps = 0;
            if (mayGoOn)
            {
                _loop.Succeed();
                return true;
            }

            _queue.GiveBack(line);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e) when (DiskTrouble.Is(e))
        {
            // Not the task's fault: no attempt of it.
            if (++line.TroubledSteps == 1)
            {
                _logger.JobWaitsForDisk(task.Status.JobId, e);
            }

            _pool.AddAfterFailure(line, DiskTrouble.PauseOf(line.TroubledSteps));
        }
        catch (Exception e)
        {
            int attempt = ++task.FailedAttempts;
            _logger.JobStepFailed(task.Status.JobId, attempt, e);
            _pool.AddAfterFailure(line, attempt);
        }

        return false;
    }
}

/// <summary>Works on a task until it has ended or is to stop.</summary>
/// <returns>False when it cannot go on until the store is opened again.</returns>
internal delegate Task<bool> ArtifactStep(ArtifactTaskEntry task, CancellationToken stopping);
