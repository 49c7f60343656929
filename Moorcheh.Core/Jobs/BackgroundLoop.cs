using Microsoft.Extensions.Logging;
using Moorcheh.Diagnostics;

namespace Moorcheh.Jobs;

/// <summary>
/// How something fares that the store does by itself again and again. A round that fails never ends it, and is told to the log once until one has
/// succeeded. Safe for use from several threads.
/// </summary>
internal sealed class BackgroundLoop(string name, TimeProvider clock, ILogger logger)
{
    private readonly Lock _lock = new();
    private DateTimeOffset? _lastSuccess;
    private string? _failure;
    private int _failures;

    public LoopStatus Status
    {
        get
        {
            lock (_lock)
            {
                return new LoopStatus { Name = name, LastSuccessAt = _lastSuccess, Failure = _failure };
            }
        }
    }

    /// <summary>Rounds in a row that failed.</summary>
    public int Failures => Volatile.Read(ref _failures);

    /// <summary>Does a round.</summary>
    /// <returns>False when it failed.</returns>
    /// <exception cref="OperationCanceledException">The store is closing.</exception>
    public async Task<bool> TryAsync(Func<Task> round, CancellationToken stopping)
    {
        try
        {
            await round().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e)
        {
            Fail(e);
            return false;
        }

        Succeed();
        return true;
    }

    /// <summary>A round succeeded.</summary>
    public void Succeed()
    {
        bool failed;
        lock (_lock)
        {
            failed = _failures > 0;
            _failures = 0;
            _failure = null;
            _lastSuccess = clock.GetUtcNow();
        }

        if (failed)
        {
            logger.LoopRecovered(name);
        }
    }

    /// <summary>A round failed.</summary>
    /// <param name="failure">Why.</param>
    /// <param name="isTold">True when the log has it already.</param>
    public void Fail(Exception failure, bool isTold = false)
    {
        bool isFirst;
        lock (_lock)
        {
            isFirst = _failures++ == 0;
            _failure = failure.Message;
        }

        if (isFirst && !isTold)
        {
            logger.LoopFails(name, failure);
        }
    }
}
