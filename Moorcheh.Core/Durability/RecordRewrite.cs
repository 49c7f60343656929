using Moorcheh.Artifacts.Tasks;
using Moorcheh.Callbacks.Messages;
using Moorcheh.Changes;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Durability;

/// <summary>Writes the record log of a damaged store anew.</summary>
internal sealed class RecordRewrite(StoreState state, DiskState disk, CancellationToken cancellationToken)
{
    /// <summary>Writes all that is alive to the end of the record log and forgets what was before.</summary>
    public async Task<bool> RunAsync(bool dropDamaged, List<string> lost)
    {
        disk.RequireRoom(state.Records.LogBytes + (2 * state.Records.HashIndexBytes));
        long begin = state.Records.StartNewPage();
        foreach (NamespaceEntry entry in state.Namespaces)
        {
            foreach (long number in entry.Index.LiveRecords())
            {
                cancellationToken.ThrowIfCancellationRequested();
                RecordKey key = entry.ItemKey(number);
                if (entry.State == NamespaceState.Active || await CanReadAsync(key).ConfigureAwait(false))
                {
                    await RewriteAsync(key).ConfigureAwait(false);
                }
            }

            foreach (ArtifactEntry artifact in entry.Artifacts.Values)
            {
                RecordKey key = entry.ArtifactMetadataKey(artifact);
                if (entry.State == NamespaceState.Active || await CanReadAsync(key).ConfigureAwait(false))
                {
                    await RewriteAsync(key).ConfigureAwait(false);
                }
            }
        }

        foreach (JobEntry job in state.Jobs.All)
        {
            string what = job is ArtifactTaskEntry ? $"The result of task '{job.Id:D}'." : $"The list of item errors of job '{job.Id:N}'.";
            if (!await TryRewriteAsync(DetailsKey(job), what, lost).ConfigureAwait(false))
            {
                if (!dropDamaged)
                {
                    return false;
                }

                state.Records.Delete(DetailsKey(job));
            }
        }

        foreach ((OutboxMessage message, _) in state.Outbox.List())
        {
            if (!await TryRewriteAsync(CallbackRecords.Key(message.JobId, message.Number), $"The message '{message.Id}', which was not sent yet.", lost).ConfigureAwait(false))
            {
                if (!dropDamaged)
                {
                    return false;
                }

                state.Outbox.Remove(message.JobId, message.Number);
            }
        }

        state.Records.ForgetBefore(begin);
        return true;
    }

    /// <summary>False when a record is not there or is damaged.</summary>
    public async ValueTask<bool> CanReadAsync(RecordKey key)
    {
        try
        {
            using RecordLease lease = await state.Records.ReadAsync(key).ConfigureAwait(false);
            return lease.IsFound;
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
        {
            return false;
        }
    }

    /// <summary>Writes a record anew, or notes that it is lost.</summary>
    private async ValueTask<bool> TryRewriteAsync(RecordKey key, string what, List<string> lost)
    {
        try
        {
            await RewriteAsync(key).ConfigureAwait(false);
            return true;
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
        {
            lost.Add(what);
            return false;
        }
    }

    private static RecordKey DetailsKey(JobEntry job) => job is ArtifactTaskEntry ? ArtifactRecords.ResultKey(job.Id) : JobErrorRecords.Key(job.Id);

    private async ValueTask RewriteAsync(RecordKey key)
    {
        using RecordLease lease = await state.Records.ReadAsync(key).ConfigureAwait(false);
        if (lease.IsFound)
        {
            state.Records.Upsert(key, lease.Body);
        }
    }
}
