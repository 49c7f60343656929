using Microsoft.Extensions.Logging;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Index;
using Moorcheh.Items;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Durability;

/// <summary>Opens the indexes of the namespaces.</summary>
internal static class IndexRebuild
{
    /// <summary>Reads the indexes from their files; those whose files are missing or damaged are made anew from the records.</summary>
    public static void Restore(StoreState state, IndexFiles files, ILogger logger)
    {
        List<NamespaceEntry> lost = [];
        foreach (NamespaceEntry entry in state.Namespaces.Where(entry => entry.IndexToken != Guid.Empty))
        {
            try
            {
                entry.Index.Restore(files.Read(entry.IndexToken, NamespaceEntry.SeedOf(entry.Incarnation)));
            }
            catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                logger.IndexRebuilt(entry.Name, e.Message);
                lost.Add(entry);
            }
        }

        if (lost.Count > 0)
        {
            Rebuild(state, lost);
        }
    }

    /// <summary>Fills indexes from the item records; of each namespace those that are still alive at the end of the log.</summary>
    private static void Rebuild(StoreState state, IReadOnlyList<NamespaceEntry> entries)
    {
        Dictionary<Guid, HashSet<long>> live = entries.ToDictionary(entry => entry.Incarnation, _ => new HashSet<long>());
        state.Records.Scan((in RecordKey key, ReadOnlySpan<byte> body, bool deleted) =>
        {
            if (key.Kind == RecordKind.Item && live.TryGetValue(key.Owner, out HashSet<long>? numbers))
            {
                if (deleted)
                {
                    numbers.Remove(key.Number);
                }
                else
                {
                    numbers.Add(key.Number);
                    state.Find(key.Owner)!.Index.Expect(ItemRecord.Parse(body).Vector);
                }
            }
        });
        state.Records.Scan((in RecordKey key, ReadOnlySpan<byte> body, bool deleted) =>
        {
            // A record that was moved to the end of the log is met twice; the first time is enough.
            if (!deleted && key.Kind == RecordKind.Item && live.TryGetValue(key.Owner, out HashSet<long>? numbers) && numbers.Remove(key.Number))
            {
                ItemRecord item = ItemRecord.Parse(body);
                state.Find(key.Owner)!.Index.Put(item.Id, item.Vector, key.Number, item.Metadata, item.Text);
            }
        });
        foreach (NamespaceEntry entry in entries)
        {
            entry.Index.Publish();
        }
    }
}
