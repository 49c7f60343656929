using Microsoft.Extensions.Logging;
using Moorcheh.Diagnostics;

namespace Moorcheh.Storage;

/// <summary>
/// Flushes that failed, so that it is not known what of the store is on disk beside the journal and the last checkpoint. Safe for use from
/// several threads.
/// </summary>
internal sealed class FailedFlushes(string root, ILogger logger)
{
    private readonly Lock _lock = new();
    private volatile FlushException? _failure;

    /// <summary>Why the last flush failed; null when all was written anew since.</summary>
    public FlushException? Failure => _failure;

    /// <summary>Notes that a flush failed.</summary>
    public void Failed(FlushException failure)
    {
        lock (_lock)
        {
            if (_failure is null)
            {
                logger.FlushFailed(root, failure);
            }

            _failure = failure;
        }
    }

    /// <summary>Notes that all was written anew where need be, and flushed.</summary>
    public void Recovered()
    {
        lock (_lock)
        {
            if (_failure is not null)
            {
                _failure = null;
                logger.FlushesRecovered(root);
            }
        }
    }
}
