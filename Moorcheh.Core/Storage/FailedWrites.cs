using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Moorcheh.Diagnostics;

namespace Moorcheh.Storage;

/// <summary>Writes that failed and are tried again until they succeed. Safe for use from several threads.</summary>
internal sealed class FailedWrites(string root, ILogger logger)
{
    // A caller hears of a full disk within two seconds.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(1200);

    private readonly Lock _lock = new();
    private volatile Exception? _failure;
    private long _failingSince;
    private int _retries;

    /// <summary>Why the last write failed; null when one succeeded since.</summary>
    public Exception? Failure => _failure;

    /// <summary>Notes that a write failed.</summary>
    public void Failed(Exception failure)
    {
        lock (_lock)
        {
            if (_failure is null)
            {
                _failingSince = Stopwatch.GetTimestamp();
                logger.WriteFailed(root, failure);
            }

            _failure = failure;
        }
    }

    /// <summary>Notes that a write that had failed succeeded.</summary>
    public void Recovered()
    {
        lock (_lock)
        {
            if (_failure is not null)
            {
                _failure = null;
                logger.WritesRecovered(root);
            }
        }
    }

    /// <summary>Tries a failed write again after a pause.</summary>
    public void Retry(Action write)
    {
        Interlocked.Increment(ref _retries);
        _ = RetryAsync(write);
    }

    /// <summary>Completes when no failed write waits to be tried again.</summary>
    public async Task DrainAsync()
    {
        while (Volatile.Read(ref _retries) > 0)
        {
            await Task.Delay(DiskState.RetryPause, TimeProvider.System).ConfigureAwait(false);
        }
    }

    /// <summary>True while writes fail.</summary>
    /// <param name="lasting">Why, once that has lasted so long that callers are told; otherwise null.</param>
    public bool IsFailing(out Exception? lasting)
    {
        lock (_lock)
        {
            lasting = _failure is not null && Stopwatch.GetElapsedTime(_failingSince) >= Patience ? _failure : null;
            return _failure is not null;
        }
    }

    private async Task RetryAsync(Action write)
    {
        await Task.Delay(DiskState.RetryPause, TimeProvider.System).ConfigureAwait(false);
        try
        {
            write();
        }
        finally
        {
            Interlocked.Decrement(ref _retries);
        }
    }
}
