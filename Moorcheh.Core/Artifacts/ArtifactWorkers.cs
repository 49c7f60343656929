using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Moorcheh.Artifacts;

/// <summary>
/// Gives lines with work to a fixed number of workers, one task at a time and in turn. A line is with one worker at most. A task that throws is
/// tried again after a pause.
/// </summary>
internal sealed class ArtifactWorkers(ArtifactQueue queue, int workers, ArtifactStep step, TimeProvider clock, ILogger logger)
{
    private const int FirstPauseMs = 200;
    private const int MaxPauseMs = 10_000;

    private readonly Channel<ArtifactLine> _waiting = Channel.CreateUnbounded<ArtifactLine>();
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;

    /// <summary>Cancelled when the store is closing.</summary>
    public CancellationToken Stopping => _stopping.Token;

    public void Start()
    {
        foreach (ArtifactKey key in Keys())
        {
            Wake(key);
        }

        _running = Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(WorkAsync)));
    }

    /// <summary>Tells that there may be work for an artifact.</summary>
    public void Wake(ArtifactKey key)
    {
        if (queue.TryTake(key) is { } line)
        {
            _waiting.Writer.TryWrite(line);
        }
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

    private List<ArtifactKey> Keys()
    {
        lock (queue.Lock)
        {
            return [.. queue.All.Select(task => task.Key).Distinct()];
        }
    }

    private async Task WorkAsync()
    {
        try
        {
            await foreach (ArtifactLine line in _waiting.Reader.ReadAllAsync(_stopping.Token).ConfigureAwait(false))
            {
                if (queue.Next(line) is { } task && await StepAsync(line, task).ConfigureAwait(false))
                {
                    _waiting.Writer.TryWrite(line);
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The store is closing; what waits goes on when it is opened again.
        }
    }

    /// <summary>Works on a task.</summary>
    /// <returns>True when the line may have more to do right away.</returns>
    private async Task<bool> StepAsync(ArtifactLine line, ArtifactTaskEntry task)
    {
        try
        {
            if (await step(task, _stopping.Token).ConfigureAwait(false))
            {
                return true;
            }

            queue.GiveBack(line);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e)
        {
            int attempt = ++task.FailedAttempts;
            logger.JobStepFailed(task.Status.JobId, attempt, e);
            _ = GoOnAfterAsync(line, TimeSpan.FromMilliseconds(Math.Min(MaxPauseMs, FirstPauseMs * Math.Pow(2, Math.Min(attempt - 1, 10)))));
        }

        return false;
    }

    private async Task GoOnAfterAsync(ArtifactLine line, TimeSpan pause)
    {
        await Task.Delay(pause, clock, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _waiting.Writer.TryWrite(line); // Refused once the store is closing.
    }
}

/// <summary>Works on a task until it has ended or is to stop.</summary>
/// <returns>False when it cannot go on until the store is opened again.</returns>
internal delegate Task<bool> ArtifactStep(ArtifactTaskEntry task, CancellationToken stopping);
