using Microsoft.Extensions.Logging;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Durability;

/// <summary>What happens by itself from time to time: checkpoints, compaction, and forgetting old jobs. None of it ends for a failure.</summary>
internal sealed class Housekeeping(StoreState state, Checkpoints checkpoints, DiskState disk, MoorchehOptions options, ILogger logger)
{
    private const int LookIntervalMs = 250;
    private const int MinSecondsForSpace = 1;

    private static readonly TimeSpan FirstRetryPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxRetryPause = TimeSpan.FromSeconds(10);

    private readonly BackgroundLoop _tidying = new("housekeeping", options.TimeProvider, logger);
    private readonly BackgroundLoop _compaction = new("compaction", options.TimeProvider, logger);
    private readonly BackgroundLoop _checkpoints = new("checkpoints", options.TimeProvider, logger);
    private readonly CancellationTokenSource _stopping = new();
    private readonly HashSet<NamespaceEntry> _stopped = [];
    private Task _running = Task.CompletedTask;
    private long _lastCheckpoint = options.TimeProvider.GetTimestamp();
    private long _lastRetirement = options.TimeProvider.GetTimestamp();

    public IEnumerable<LoopStatus> Loops => [_tidying.Status, _compaction.Status, _checkpoints.Status];

    private TimeSpan Interval => options.Storage.CheckpointInterval;

    public void Start()
    {
        RetireJobs(); // Those that were too old after the last checkpoint are back.
        _running = Task.Run(RunAsync);
    }

    public async Task StopAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Takes the checkpoint of a clean close, so that the next opening replays nothing. A failure is logged: the journal has everything.</summary>
    public async Task TakeLastCheckpointAsync()
    {
        if (checkpoints.JournalBytes > 0)
        {
            try
            {
                await checkpoints.TakeAsync().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                logger.LastCheckpointFailed(e);
            }
        }
    }

    private async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(LookIntervalMs), options.TimeProvider, _stopping.Token).ConfigureAwait(false);
            await _tidying.TryAsync(TidyAsync, _stopping.Token).ConfigureAwait(false);

            // One step at a time, so that checkpoints, which give the space back, are not kept waiting.
            await _compaction.TryAsync(checkpoints.CompactRecordsAsync, _stopping.Token).ConfigureAwait(false);
            if (IsCheckpointDue())
            {
                await _checkpoints.TryAsync(checkpoints.TakeAsync, _stopping.Token).ConfigureAwait(false);
                _lastCheckpoint = options.TimeProvider.GetTimestamp();
            }
            else if (_checkpoints.Failures == 0)
            {
                _checkpoints.Succeed();
            }
        }
    }

    private bool IsCheckpointDue()
    {
        TimeSpan age = options.TimeProvider.GetElapsedTime(_lastCheckpoint);
        if (_checkpoints.Failures is > 0 and var failures)
        {
            return age >= Backoff.Pause(FirstRetryPause, MaxRetryPause, failures);
        }

        // Space is given back when neither checkpoint that is kept needs it: dead records, and a journal that holds up uploads.
        bool givesBack = (checkpoints.KeepsDeadRecords || checkpoints.IsJournalCuttable) && age >= TimeSpan.FromSeconds(MinSecondsForSpace);
        bool mends = disk.NeedsCheckpoint && age >= FirstRetryPause;
        return checkpoints.JournalBytes >= options.Storage.CheckpointJournalBytes || givesBack || mends || (age >= Interval && checkpoints.JournalBytes > 0);
    }

    private async Task TidyAsync()
    {
        foreach (NamespaceEntry entry in state.Namespaces)
        {
            if (entry.Failure is { } failure && _stopped.Add(entry))
            {
                logger.NamespaceStopped(entry.Name, failure);
            }
        }

        if (options.TimeProvider.GetElapsedTime(_lastRetirement) >= Interval)
        {
            await checkpoints.ChangeRecordsAsync(RetireJobs).ConfigureAwait(false);
            _lastRetirement = options.TimeProvider.GetTimestamp();
        }

        disk.KeepReserve();
    }

    private void RetireJobs() => state.Jobs.Retire(options.TimeProvider.GetUtcNow());
}
