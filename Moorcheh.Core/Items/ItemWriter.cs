using System.Text;
using Moorcheh.Index;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Items;

/// <summary>
/// One change of the items of a namespace: each goes into the record store and the index, <see cref="PublishAsync"/> makes all of it visible, and only then
/// <see cref="DeleteGone"/> deletes the records of what was replaced or removed, which searches may have read until then.
/// </summary>
internal sealed class ItemWriter(IRecordStore records, NamespaceEntry entry)
{
    private readonly List<long> _gone = [];
    private readonly ByteWriter _writer = new();

    /// <summary>
    /// Tells an empty index of the vectors to come. Otherwise it would be encoded anew around their mean once they are in it, and other
    /// writers of the namespace would wait twice as long.
    /// </summary>
    /// <param name="count">Of all vectors.</param>
    /// <param name="chunks">They are in these, which are read as far as they are needed.</param>
    public void Expect(int count, IEnumerable<UploadChunk> chunks)
    {
        if (entry.Index.Count > 0 || count < RunningCentre.First)
        {
            return;
        }

        foreach (UploadChunk chunk in chunks)
        {
            for (int i = chunk.First; i < chunk.End; i++)
            {
                entry.Index.Expect(chunk.Vector(i));
            }

            if (chunk.End >= RunningCentre.Enough)
            {
                return;
            }
        }
    }

    /// <summary>Makes room for an entry of an upload: an item with its id is taken out.</summary>
    /// <returns>When that was created; <paramref name="at"/> when there is none.</returns>
    public ValueTask<DateTimeOffset> ReplaceAsync(UploadChunk chunk, int index, DateTimeOffset at)
    {
        long old = entry.Index.FindRecord(chunk.Id(index));
        return old < 0 ? new(at) : ReplaceAsync(old, at);
    }

    /// <summary>Stores an entry of an upload.</summary>
    public void Put(UploadChunk chunk, int index, ReadOnlySpan<float> vector, ReadOnlySpan<byte> metadata, DateTimeOffset createdAt, DateTimeOffset updatedAt)
    {
        ReadOnlySpan<byte> id = chunk.Id(index);
        _writer.Clear();
        ItemRecord.Write(_writer, createdAt, updatedAt, vector, id, chunk.HasText(index), chunk.Text(index), metadata);
        long number = entry.NextRecord++;
        records.Upsert(entry.ItemKey(number), _writer.Written);
        entry.Index.Put(id, vector, number, metadata, chunk.Text(index));
        entry.StoredBytes += ItemRecord.DataBytes(id.Length, vector.Length, chunk.Text(index).Length, metadata.Length);
    }

    /// <summary>Removes an item, if it is there.</summary>
    public async ValueTask RemoveAsync(string id)
    {
        long record = entry.Index.Remove(Encoding.UTF8.GetBytes(id));
        if (record >= 0)
        {
            await TakeOutAsync(record).ConfigureAwait(false);
            _gone.Add(record);
        }
    }

    /// <summary>Stores an item with other metadata, if it is there.</summary>
    public async ValueTask PatchAsync(string id, ItemMetadata metadata, DateTimeOffset at)
    {
        long old = entry.Index.FindRecord(Encoding.UTF8.GetBytes(id));
        if (old < 0)
        {
            return;
        }

        try
        {
            using RecordLease lease = await records.ReadAsync(entry.ItemKey(old)).ConfigureAwait(false);
            if (lease.IsFound)
            {
                Patch(ItemRecord.Parse(lease.Body), metadata.Utf8Json.Span, at);
                _gone.Add(old);
            }
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
        {
            // In replay only: there is nothing of it that could be kept.
        }
    }

    /// <summary>Makes what was put and removed visible, in one step.</summary>
    public async ValueTask PublishAsync(DateTimeOffset at)
    {
        entry.UpdatedAt = at;
        await IndexTidying.TidyAsync(records, entry, entry.Index).ConfigureAwait(false);
        entry.Index.Publish();
    }

    /// <summary>Deletes the records of what is not visible any more.</summary>
    public void DeleteGone()
    {
        foreach (long record in _gone)
        {
            records.Delete(entry.ItemKey(record));
        }
    }

    private void Patch(in ItemRecord item, ReadOnlySpan<byte> metadata, DateTimeOffset at)
    {
        _writer.Clear();
        ItemRecord.Write(_writer, item.CreatedAt, at, item.Vector, item.Id, item.HasText, item.Text, metadata);
        long number = entry.NextRecord++;
        records.Upsert(entry.ItemKey(number), _writer.Written);
        entry.Index.Put(item.Id, item.Vector, number, metadata, item.Text);
        entry.StoredBytes += metadata.Length - item.Metadata.Length;
    }

    private async ValueTask<DateTimeOffset> ReplaceAsync(long old, DateTimeOffset at)
    {
        DateTimeOffset createdAt = await TakeOutAsync(old).ConfigureAwait(false) ?? at;
        _gone.Add(old);
        return createdAt;
    }

    /// <summary>Takes an item's bytes out of the sum and tells when it was created; null when its record is gone or damaged.</summary>
    private async ValueTask<DateTimeOffset?> TakeOutAsync(long record)
    {
        try
        {
            using RecordLease lease = await records.ReadAsync(entry.ItemKey(record)).ConfigureAwait(false);
            if (!lease.IsFound)
            {
                return null;
            }

            ItemRecord item = ItemRecord.Parse(lease.Body);
            entry.StoredBytes -= item.StoredBytes;
            return item.CreatedAt;
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
        {
            return null; // Deleting or replacing it is the way out of the damage; only the sum of bytes is off by it.
        }
    }
}
