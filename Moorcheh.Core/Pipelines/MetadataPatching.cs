using System.Text;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Items;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>Changes the metadata of an item: in one step among the uploads and deletes of its namespace, without embedding anything.</summary>
internal sealed class MetadataPatching(StoreState state, ChangeLog log, DiskState disk, MoorchehOptions options)
{
    public async Task<ItemMetadata> PatchAsync(
        string namespaceName, string id, ItemMetadata patch, ChangeTicket ticket, CancellationToken cancellationToken)
    {
        NamespaceEntry entry = state.Namespaces.Get(namespaceName);
        CheckId(id);
        return await log.RunAsync(entry, () => PatchAsync(entry, id, patch, ticket), cancellationToken).ConfigureAwait(false);
    }

    private async Task<ItemMetadata> PatchAsync(NamespaceEntry entry, string id, ItemMetadata patch, ChangeTicket ticket)
    {
        NamespaceTable.CheckActive(entry);
        byte[] utf8 = Encoding.UTF8.GetBytes(id);
        if (entry.FindOwner(utf8) is { } owner)
        {
            throw new MoorchehException(ErrorCodes.ItemOwnedByArtifact, $"Item '{id}' {UploadAcceptor.OwnedBy(owner)}")
            {
                Facts = new Dictionary<string, object> { ["Artifact"] = owner.Name },
            };
        }

        long record = entry.Index.FindRecord(utf8);
        if (record < 0)
        {
            throw new MoorchehException(ErrorCodes.ItemNotFound, $"Namespace '{entry.Name}' has no item '{id}'.");
        }

        (ItemMetadata before, long bytes) = await ReadAsync(entry, record, utf8).ConfigureAwait(false);
        ItemMetadata merged = MetadataPatch.Merge(before, patch);
        ItemRules.CheckMerged(merged, id, options);

        // Its metadata in the journal, and all of it as a new record; what is in memory only needs room, too.
        disk.RequireRoom((2 * merged.Utf8Json.Length) + bytes + state.Records.UnflushedBytes);
        ticket.Begin();
        var patched = new ItemPatched(entry.Incarnation, options.TimeProvider.GetUtcNow(), id, merged);
        await log.ChangeAsync(entry, patched, CrashPoints.ItemPatching).ConfigureAwait(false);
        return merged;
    }

    private async Task<(ItemMetadata Metadata, long Bytes)> ReadAsync(NamespaceEntry entry, long record, byte[] id)
    {
        using RecordLease lease = await state.Records.ReadAsync(entry.ItemKey(record)).ConfigureAwait(false);
        return lease.IsFound
            ? (ItemMetadata.FromStored(ItemRecord.Parse(lease.Body).Metadata), lease.Body.Length)
            : throw NamespaceTable.RecordMissing(entry, id);
    }

    private static void CheckId(string id)
    {
        if (id.Length == 0)
        {
            throw new MoorchehException(ErrorCodes.InvalidId, "The id is an empty string.");
        }

        if (!ItemRules.IsUnicode(id))
        {
            throw new MoorchehException(ErrorCodes.InvalidId, "The id is not valid Unicode: it has a lone surrogate.");
        }
    }
}
