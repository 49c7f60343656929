using Microsoft.Extensions.Logging;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Durability;

/// <summary>Applies the journal's changes to what a checkpoint has.</summary>
internal static class Replay
{
    /// <summary>Reads the journal twice, a page at a time: however much there is, little of it is in memory.</summary>
    /// <returns>Where the valid entries end.</returns>
    public static async Task<long> RunAsync(StoreState state, JournalFiles files, long from, ILogger logger)
    {
        var context = new ChangeContext(
            state, new ChunkReader(address => files.Read(address, JournalEntryType.UploadChunk).AsMemory(JournalFrame.HeaderBytes)));
        long count = 0;
        long end = files.Scan(from, (address, type, body) =>
        {
            if (type == UploadAborted.TypeNumber)
            {
                context.Aborted.Add(UploadAborted.Read(body).JobId);
            }

            count++;
        });
        state.Quota.IsCounting = false;
        var reader = new JournalReader(files, from);
        while (reader.Read())
        {
            if (ChangeTable.Read(reader.Type, reader.Body.Span) is { } change)
            {
                context.Address = reader.Address;
                await change.ApplyAsync(context).ConfigureAwait(false);
            }
        }

        if (reader.End != end)
        {
            throw new IOException($"The journal '{files.Path}' ended at address {end} when it was read first, and at {reader.End} when it was read again.");
        }

        CountQuota(state);
        logger.JournalReplayed(count);
        return end;
    }

    private static void CountQuota(StoreState state)
    {
        state.Quota.IsCounting = true;
        foreach (NamespaceEntry entry in state.Namespaces)
        {
            long reserved = entry.Uploads.Sum(upload => upload.CountReserved());
            state.Quota.Restore(entry.State == NamespaceState.Active ? entry.Index.Count : 0, reserved);
        }
    }
}
