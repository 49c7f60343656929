using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Jobs;

/// <summary>What happens by itself from time to time: checkpoints, and forgetting old jobs.</summary>
internal sealed class Housekeeping(StoreState state, Checkpoints checkpoints, DiskState disk, MoorchehOptions options, ILogger logger)
{
    private const int LookIntervalMs = 250;
    private const int MinSecondsForSpace = 1;
    private const int MinSecondsForFlush = 1;

    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;

    public void Start()
    {
        RetireJobs(); // Those that went after the last checkpoint are back.
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
            await TakeAsync().ConfigureAwait(false);
        }
    }

    private async Task RunAsync()
    {
        long lastCheckpoint = options.TimeProvider.GetTimestamp();
        long lastRetirement = lastCheckpoint;
        while (true)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(LookIntervalMs), options.TimeProvider, _stopping.Token).ConfigureAwait(false);
            var interval = TimeSpan.FromSeconds(options.CheckpointSeconds);
            if (options.TimeProvider.GetElapsedTime(lastRetirement) >= interval)
            {
                await checkpoints.ChangeRecordsAsync(RetireJobs).ConfigureAwait(false);
                lastRetirement = options.TimeProvider.GetTimestamp();
            }

            disk.KeepReserve();

            // One step at a time, so that checkpoints, which give the space back, are not kept waiting.
            await CompactAsync().ConfigureAwait(false);

            // Dead space of the record log is given back when neither checkpoint that is kept needs it.
            TimeSpan age = options.TimeProvider.GetElapsedTime(lastCheckpoint);
            bool givesBack = checkpoints.KeepsDeadRecords && age >= TimeSpan.FromSeconds(MinSecondsForSpace);
            bool mends = disk.NeedsCheckpoint && age >= TimeSpan.FromSeconds(MinSecondsForFlush);
            if (checkpoints.JournalBytes >= options.CheckpointJournalBytes || givesBack || mends || (age >= interval && checkpoints.JournalBytes > 0))
            {
                await TakeAsync().ConfigureAwait(false);
                lastCheckpoint = options.TimeProvider.GetTimestamp();
            }
        }
    }

    private async Task CompactAsync()
    {
        try
        {
            await checkpoints.CompactRecordsAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            logger.CompactionFailed(e);
        }
    }

    private void RetireJobs()
    {
        try
        {
            foreach (JobEntry job in state.Jobs.Retire(options.TimeProvider.GetUtcNow()))
            {
                JobErrorRecords.Delete(state.Records, job.Id);
                if (job is ArtifactTaskEntry)
                {
                    state.Records.Delete(ArtifactRecords.ResultKey(job.Id));
                }
            }
        }
        catch (Exception e)
        {
            logger.RetirementFailed(e);
        }
    }

    private async Task TakeAsync()
    {
        try
        {
            await checkpoints.TakeAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            logger.CheckpointFailed(e);
        }
    }
}
