using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Items;

/// <summary>Removes the item records of a namespace that is being deleted, in steps.</summary>
internal static class ItemRemoval
{
    /// <summary>Removes up to a number of them.</summary>
    /// <returns>True when none is left.</returns>
    public static bool Step(IRecordStore store, NamespaceEntry entry, int most)
    {
        IEnumerator<long> records = entry.RecordsToRemove ??= entry.Index.LiveRecords().AsEnumerable().GetEnumerator();
        for (int i = 0; i < most; i++)
        {
            if (!records.MoveNext())
            {
                return true;
            }

            try
            {
                store.Delete(entry.ItemKey(records.Current));
            }
            catch
            {
                // Starts over: removing what is gone is fine, skipping what is not is not.
                entry.RecordsToRemove = null;
                entry.RemovedRecords = 0;
                throw;
            }

            entry.RemovedRecords++;
        }

        return false;
    }
}
