using System.Text;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Index;
using Moorcheh.Items;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>Reads, lists and deletes items.</summary>
internal sealed class ItemAccess(
    StoreState state, NamespaceTable namespaces, IJournal journal, CheckpointGate gate, MoorchehOptions options)
{
    /// <summary>A page ends once its texts pass this many bytes.</summary>
    private const int MaxPageTextBytes = 8 << 20;

    public async Task<IReadOnlyList<Item>> GetAsync(string namespaceName, IReadOnlyList<string> ids, CancellationToken cancellationToken)
    {
        List<Item> items = [];
        await ForEachAsync(namespaceName, ids, Plain(items), cancellationToken).ConfigureAwait(false);
        return items;
    }

    public Task FindAsync(string namespaceName, IReadOnlyList<string> ids, RecordSet found, CancellationToken cancellationToken) =>
        ForEachAsync(namespaceName, ids, new Reader(found.AddAsync, static _ => { }), cancellationToken);

    public async Task<ItemDeletion> DeleteAsync(string namespaceName, IReadOnlyList<string> ids, ChangeTicket ticket, CancellationToken cancellationToken)
    {
        NamespaceEntry entry = namespaces.Get(namespaceName);
        List<string> distinct = Distinct(ids);
        return await NamespaceChanges.RunAsync(
            entry,
            gate,
            journal,
            async () =>
            {
                NamespaceTable.CheckActive(entry);
                CheckPlain(entry, distinct);
                var found = distinct.ToLookup(id => entry.Index.FindRecord(Encoding.UTF8.GetBytes(id)) >= 0);
                List<string> existing = [.. found[true]];
                if (existing.Count > 0)
                {
                    var deleted = new ItemsDeleted(entry.Incarnation, options.TimeProvider.GetUtcNow(), existing);
                    var writer = new ByteWriter();
                    deleted.Write(writer);
                    ticket.Begin();
                    journal.Append(JournalEntryType.ItemsDeleted, writer.Written);
                    await NamespaceChanges.CarryOutAsync(entry, journal, async () =>
                    {
                        CrashPoints.Pass(CrashPoints.ItemsDeleting);
                        await state.ApplyAsync(entry, deleted).ConfigureAwait(false);
                        state.Quota.Remove(existing.Count);
                    }).ConfigureAwait(false);
                }

                return new ItemDeletion(existing, [.. found[false]]);
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async Task<ItemPage> ListAsync(string namespaceName, int limit, string? afterId, CancellationToken cancellationToken)
    {
        List<Item> items = [];
        bool hasMore = await ForPageAsync(namespaceName, limit, afterId, Plain(items), cancellationToken).ConfigureAwait(false);
        return new ItemPage(items, hasMore);
    }

    /// <returns>True when there are more.</returns>
    public Task<bool> FindPageAsync(
        string namespaceName, int limit, string? afterId, RecordSet found, Action<ReadOnlyMemory<byte>> visit, CancellationToken cancellationToken) =>
        ForPageAsync(namespaceName, limit, afterId, new Reader(found.AddAsync, visit), cancellationToken);

    private Reader Plain(List<Item> items) => new(state.Records.ReadAsync, body => items.Add(ItemRecord.Parse(body.Span).ToItem()));

    private async Task ForEachAsync(string namespaceName, IReadOnlyList<string> ids, Reader reader, CancellationToken cancellationToken)
    {
        NamespaceEntry entry = namespaces.Get(namespaceName);
        foreach (string id in Distinct(ids))
        {
            cancellationToken.ThrowIfCancellationRequested();
            await ReadAsync(entry, Encoding.UTF8.GetBytes(id), reader).ConfigureAwait(false);
        }
    }

    private async Task<bool> ForPageAsync(string namespaceName, int limit, string? afterId, Reader reader, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MoorchehStore.MaxIds);
        NamespaceEntry entry = namespaces.Get(namespaceName);

        byte[]? after = afterId is null ? null : Encoding.UTF8.GetBytes(afterId);
        bool isEmpty = true;
        bool hasMore;
        do
        {
            // One more than asked for, to tell whether there is more.
            List<byte[]> ids = ItemOrder.FirstAfter(entry.Index.Snapshot, after, limit + 1);
            long textBytes = 0;
            int taken = 0;
            while (taken < Math.Min(limit, ids.Count) && textBytes <= MaxPageTextBytes)
            {
                cancellationToken.ThrowIfCancellationRequested();
                after = ids[taken++];
                if (await ReadAsync(entry, after, reader).ConfigureAwait(false) is >= 0 and var bytes)
                {
                    isEmpty = false;
                    textBytes += bytes;
                }
            }

            hasMore = taken < ids.Count;
        }
        while (hasMore && isEmpty); // All of them were deleted meanwhile: the caller needs an id to go on from.

        return hasMore;
    }

    private static List<string> Distinct(IReadOnlyList<string> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        if (ids.Count == 0)
        {
            throw new MoorchehException(ErrorCodes.EmptyField, "Field 'ids' must not be empty.");
        }

        if (ids.Count > MoorchehStore.MaxIds)
        {
            throw new MoorchehException(ErrorCodes.TooManyIds, $"Field 'ids' has {ids.Count} entries; the limit is {MoorchehStore.MaxIds}.");
        }

        for (int i = 0; i < ids.Count; i++)
        {
            if (string.IsNullOrEmpty(ids[i]))
            {
                throw new MoorchehException(ErrorCodes.InvalidId, $"Id {i} is an empty string.");
            }

            if (!ItemRules.IsUnicode(ids[i]))
            {
                throw new MoorchehException(ErrorCodes.InvalidId, $"Id {i} is not valid Unicode: it has a lone surrogate.");
            }
        }

        return [.. ids.Distinct(StringComparer.Ordinal)];
    }

    private static void CheckPlain(NamespaceEntry entry, List<string> ids)
    {
        for (int i = 0; i < ids.Count; i++)
        {
            if (entry.FindOwner(Encoding.UTF8.GetBytes(ids[i])) is { } owner)
            {
                throw new MoorchehException(
                    ErrorCodes.ItemOwnedByArtifact, $"Id {i} ('{ids[i]}') belongs to artifact '{owner.Name}'; delete it through the artifacts API.")
                {
                    Facts = new Dictionary<string, object> { ["Artifact"] = owner.Name },
                };
            }
        }
    }

    /// <returns>Bytes of its text; -1 when there is no such item.</returns>
    private static async ValueTask<int> ReadAsync(NamespaceEntry entry, byte[] id, Reader reader)
    {
        // A record that is gone was replaced or deleted since its number was looked up.
        for (long record = entry.Index.FindRecord(id); record >= 0;)
        {
            using RecordLease lease = await reader.Read(entry.ItemKey(record)).ConfigureAwait(false);
            if (lease.IsFound)
            {
                reader.Visit(lease.Memory);
                return ItemRecord.Parse(lease.Body).Text.Length;
            }

            long again = entry.Index.FindRecord(id);
            if (again == record)
            {
                throw NamespaceTable.RecordMissing(entry, id);
            }

            record = again;
        }

        return -1;
    }

    /// <summary>How records are read, and what is called with the body of each, valid during the call.</summary>
    private readonly record struct Reader(Func<RecordKey, ValueTask<RecordLease>> Read, Action<ReadOnlyMemory<byte>> Visit);
}
