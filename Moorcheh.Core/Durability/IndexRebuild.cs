using Microsoft.Extensions.Logging;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Index;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Durability;

/// <summary>Opens the indexes of the namespaces.</summary>
internal static class IndexRebuild
{
    /// <summary>Reads the indexes from their files; those whose files are missing or damaged are made anew from the records.</summary>
    public static void Restore(StoreState state, IndexFiles files, ILogger logger)
    {
        Dictionary<(Guid Owner, long Generation), LostIndex> lost = [];
        foreach (NamespaceEntry entry in state.Namespaces)
        {
            long generation = ItemGeneration.Of(entry.NextRecord);
            TryRestore(entry, entry.Index, entry.IndexToken, generation);
            if (entry.Reembedding is { } next)
            {
                TryRestore(entry, next.Index, next.IndexToken, generation + 1);
            }
        }

        if (lost.Count > 0)
        {
            Rebuild(state, lost);
        }

        void TryRestore(NamespaceEntry entry, NamespaceIndex index, Guid token, long generation)
        {
            try
            {
                if (token != Guid.Empty)
                {
                    index.Restore(files.Read(token, NamespaceEntry.SeedOf(entry.Incarnation)));
                }
            }
            catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                logger.IndexRebuilt(entry.Name, e.Message);
                lost.Add((entry.Incarnation, generation), new LostIndex(index, []));
            }
        }
    }

    /// <summary>
    /// Fills indexes from the item records; of each the last version, where that is alive at the end of the log. A number can have versions that differ: those of a
    /// re-embedding that was given up, and of the next one.
    /// </summary>
    private static void Rebuild(StoreState state, Dictionary<(Guid Owner, long Generation), LostIndex> lost)
    {
        state.Records.Scan((in RecordKey key, ReadOnlySpan<byte> body, bool deleted) =>
        {
            if (key.Kind == RecordKind.Item && lost.TryGetValue((key.Owner, ItemGeneration.Of(key.Number)), out LostIndex? index))
            {
                (int versions, bool _) = index.Records.GetValueOrDefault(key.Number);
                index.Records[key.Number] = (deleted ? versions : versions + 1, !deleted);
                if (!deleted)
                {
                    index.Index.Expect(ItemRecord.Parse(body).Vector);
                }
            }
        });
        state.Records.Scan((in RecordKey key, ReadOnlySpan<byte> body, bool deleted) =>
        {
            if (deleted || key.Kind != RecordKind.Item || !lost.TryGetValue((key.Owner, ItemGeneration.Of(key.Number)), out LostIndex? index))
            {
                return;
            }

            (int versions, bool isAlive) = index.Records[key.Number];
            index.Records[key.Number] = (versions - 1, isAlive);
            if (isAlive && versions == 1)
            {
                ItemRecord item = ItemRecord.Parse(body);
                index.Index.Put(item.Id, item.Vector, key.Number, item.Metadata, item.Text);
            }
        });
        foreach (LostIndex index in lost.Values)
        {
            index.Index.Publish();
        }
    }

    /// <summary>An index that is made anew.</summary>
    /// <param name="Index">The empty index.</param>
    /// <param name="Records">By number, the versions that are still to come, and whether the last one is alive.</param>
    private sealed record LostIndex(NamespaceIndex Index, Dictionary<long, (int Versions, bool IsAlive)> Records);
}
