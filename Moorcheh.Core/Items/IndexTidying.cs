using Moorcheh.Index;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Items;

/// <summary>Keeps an index small and its codes good after changes; what can wait is left to the upkeep of indexes. For the writer; publish afterwards.</summary>
internal static class IndexTidying
{
    public static async ValueTask TidyAsync(IRecordStore records, NamespaceEntry entry, NamespaceIndex index)
    {
        try
        {
            if (index.WantsRebuild)
            {
                await RebuildAsync(records, entry, index).ConfigureAwait(false);
                return;
            }
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
        {
            // The index stays as it is, right but larger than it need be. The damage shows itself to whoever asks for that item.
        }

        index.TidyHead();
    }

    /// <summary>Builds the index anew from the records; it stays as it is when one of them is gone.</summary>
    private static async ValueTask RebuildAsync(IRecordStore records, NamespaceEntry entry, NamespaceIndex index)
    {
        NamespaceIndex fresh = index.StartRebuild();
        foreach (long record in index.LiveRecords())
        {
            using RecordLease lease = await records.ReadAsync(entry.ItemKey(record)).ConfigureAwait(false);
            if (!lease.IsFound)
            {
                return;
            }

            ItemRecord item = ItemRecord.Parse(lease.Body);
            fresh.Put(item.Id, item.Vector, record, item.Metadata, item.Text);
        }

        index.Adopt(fresh);
    }
}
