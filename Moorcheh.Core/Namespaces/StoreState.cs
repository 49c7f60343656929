using System.Collections.Concurrent;
using System.Text;
using Moorcheh.Indexing;
using Moorcheh.Jobs;
using Moorcheh.Pipelines;
using Moorcheh.Storage;

namespace Moorcheh.Namespaces;

/// <summary>
/// Everything the store knows, and the effect of every journal entry on it. Live changes and replay after a crash go through the
/// same methods, so both end in the same state. A method is called once its entry is committed.
/// </summary>
internal sealed class StoreState(MoorchehOptions options, IRecordStore records)
{
    private readonly ConcurrentDictionary<string, NamespaceEntry> _byName = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Guid, NamespaceEntry> _byIncarnation = new();

    public IRecordStore Records { get; } = records;

    public JobRegistry Jobs { get; } = new(options, job => JobErrorRecords.Save(records, job));

    public ItemQuota Quota { get; } = new(options.MaxItems);

    /// <summary>Namespaces in every state, in no order.</summary>
    public IEnumerable<NamespaceEntry> Namespaces => _byName.Values;

    public NamespaceEntry? Find(string name) => _byName.GetValueOrDefault(name);

    public NamespaceEntry? Find(Guid incarnation) => _byIncarnation.GetValueOrDefault(incarnation);

    /// <summary>Adds a namespace read from a checkpoint.</summary>
    public void Restore(NamespaceEntry entry)
    {
        _byName[entry.Name] = entry;
        _byIncarnation[entry.Incarnation] = entry;
    }

    /// <summary>Adds a job read from a checkpoint, after its namespace.</summary>
    public void Restore(JobEntry job)
    {
        Jobs.Restore(job);
        if (job is UploadJobEntry { IsFinished: false } upload && Find(upload.Incarnation) is { } entry)
        {
            upload.IsReady = true;
            entry.Uploads.AddLast(upload);
        }
    }

    public NamespaceEntry Apply(in NamespaceCreated created)
    {
        var entry = new NamespaceEntry(created.Incarnation, created.Name, created.Kind, created.Dimension, created.At);
        Restore(entry);
        return entry;
    }

    /// <summary>Applies an acceptance found in the journal; live, the job is queued before it is on disk, see <see cref="UploadAcceptor"/>.</summary>
    public void Replay(in UploadAccepted accepted)
    {
        if (Find(accepted.Incarnation) is { } entry)
        {
            Restore(new UploadJobEntry(accepted, entry.Name));
        }
    }

    /// <summary>Takes an acceptance back.</summary>
    public void Replay(in UploadAborted aborted)
    {
        if (Jobs.Find(aborted.JobId) is UploadJobEntry job && Find(job.Incarnation) is { } entry)
        {
            Dequeue(entry, job);
            Jobs.Forget(job);
        }
    }

    /// <summary>Stores entries of an upload, makes them visible and counts them, in this order.</summary>
    public async ValueTask ApplyAsync(NamespaceEntry entry, UploadJobEntry job, UploadChunk chunk, UploadProgress progress)
    {
        int successful = 0;
        int failed = 0;
        int nextFailure = 0;
        int nextVector = 0;
        int dimension = progress.Embedder?.Dimension ?? 0;
        List<ItemError> errors = [];
        List<long> replaced = [];
        var writer = new ByteWriter();

        // Before the first vector: a namespace with items and the embedder of earlier ones would refuse requests for a moment.
        entry.Embedder = progress.Embedder ?? entry.Embedder;
        for (int i = progress.From; i < progress.To; i++)
        {
            int weight = chunk.Weight(i);
            if (weight == 0)
            {
                continue;
            }

            job.Unreserve(i);
            if (nextFailure < progress.Failures.Count && progress.Failures[nextFailure].Index == i)
            {
                errors.Add(new ItemError(i, Encoding.UTF8.GetString(chunk.Id(i)), progress.Failures[nextFailure].Message));
                nextFailure++;
                failed += weight;
                continue;
            }

            DateTimeOffset createdAt = progress.At;
            long old = entry.Index.FindRecord(chunk.Id(i));
            if (old >= 0)
            {
                createdAt = await ForgetAsync(entry, old).ConfigureAwait(false) ?? progress.At;
                replaced.Add(old);
            }

            ReadOnlyMemory<float> embedded = default;
            if (chunk.HasText(i))
            {
                embedded = progress.Vectors.Slice(nextVector++ * dimension, dimension);
            }

            Store(entry, chunk, i, embedded.Span, createdAt, progress.At, writer);
            successful += weight;
        }

        entry.UpdatedAt = progress.At;
        await TidyAsync(entry).ConfigureAwait(false);
        entry.Index.Publish();
        foreach (long old in replaced)
        {
            Records.Delete(entry.ItemKey(old));
        }

        if (progress.To == job.Status.Total)
        {
            Dequeue(entry, job); // Before anybody can read that it has finished.
        }

        Jobs.Progress(job, progress.To, successful, failed, errors, progress.At);
    }

    public void Apply(UploadJobEntry job, in UploadEnded ended)
    {
        if (Find(job.Incarnation) is { } entry)
        {
            Dequeue(entry, job);
        }

        Jobs.End(job, ended.LastError, ended.Cancelled, ended.At);
    }

    /// <summary>Removes items that exist.</summary>
    public async ValueTask ApplyAsync(NamespaceEntry entry, ItemsDeleted deleted)
    {
        List<long> removed = [];
        foreach (string id in deleted.Ids)
        {
            long record = entry.Index.Remove(Encoding.UTF8.GetBytes(id));
            if (record >= 0)
            {
                await ForgetAsync(entry, record).ConfigureAwait(false);
                removed.Add(record);
            }
        }

        entry.UpdatedAt = deleted.At;
        await TidyAsync(entry).ConfigureAwait(false);
        entry.Index.Publish();
        foreach (long record in removed)
        {
            Records.Delete(entry.ItemKey(record));
        }
    }

    public DeleteJobEntry Apply(NamespaceEntry entry, in NamespaceDeleteStarted started)
    {
        var job = new DeleteJobEntry(started, entry.Name);
        lock (entry.Lock)
        {
            entry.State = NamespaceState.Deleting;
            entry.DeleteJob = job;
            entry.UpdatedAt = started.At;
        }

        Jobs.Add(job);
        return job;
    }

    public void Apply(NamespaceEntry entry, in NamespaceDeleteEnded ended)
    {
        DeleteJobEntry job = entry.DeleteJob!;
        if (ended.Error is null)
        {
            // The name is free before anybody can read that the job is completed.
            _byName.TryRemove(KeyValuePair.Create(entry.Name, entry));
            _byIncarnation.TryRemove(entry.Incarnation, out _);
        }
        else
        {
            entry.State = NamespaceState.PartlyDeleted;
        }

        Jobs.End(job, ended.Error, ended.At);
    }

    private static void Dequeue(NamespaceEntry entry, UploadJobEntry job)
    {
        lock (entry.Lock)
        {
            entry.Uploads.Remove(job);
        }
    }

    /// <summary>Takes an item's bytes out of the sum and tells when it was created; null when its record is gone or damaged.</summary>
    private async ValueTask<DateTimeOffset?> ForgetAsync(NamespaceEntry entry, long record)
    {
        try
        {
            using RecordLease lease = await Records.ReadAsync(entry.ItemKey(record)).ConfigureAwait(false);
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

    /// <summary>Keeps the index small and its codes good after changes; what can wait is left to <see cref="IndexMaintenance"/>.</summary>
    private async ValueTask TidyAsync(NamespaceEntry entry)
    {
        try
        {
            if (entry.Index.WantsRebuild)
            {
                await RebuildAsync(entry).ConfigureAwait(false);
                return;
            }
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
        {
            // The index stays as it is, right but larger than it need be. The damage shows itself to whoever asks for that item.
        }

        entry.Index.TidyHead();
    }

    /// <summary>Builds a namespace's index anew from its records; it stays as it is when one of them is gone.</summary>
    private async ValueTask RebuildAsync(NamespaceEntry entry)
    {
        NamespaceIndex fresh = entry.Index.StartRebuild();
        foreach (long record in entry.Index.LiveRecords())
        {
            using RecordLease lease = await Records.ReadAsync(entry.ItemKey(record)).ConfigureAwait(false);
            if (!lease.IsFound)
            {
                return;
            }

            ItemRecord item = ItemRecord.Parse(lease.Body);
            fresh.Put(item.Id, item.Vector, record, item.Metadata, item.Text);
        }

        entry.Index.Adopt(fresh);
    }

    private void Store(
        NamespaceEntry entry,
        UploadChunk chunk,
        int index,
        ReadOnlySpan<float> embedded,
        DateTimeOffset createdAt,
        DateTimeOffset updatedAt,
        ByteWriter writer)
    {
        bool hasText = chunk.HasText(index);
        ReadOnlySpan<float> vector = hasText ? embedded : chunk.Vector(index);
        ReadOnlySpan<byte> id = chunk.Id(index);
        writer.Clear();
        ItemRecord.Write(writer, createdAt, updatedAt, vector, id, hasText, chunk.Text(index), chunk.Metadata(index));
        long number = entry.NextRecord++;
        Records.Upsert(entry.ItemKey(number), writer.Written);
        entry.Index.Put(id, vector, number, chunk.Metadata(index), chunk.Text(index));
        entry.StoredBytes += ItemRecord.DataBytes(id.Length, vector.Length, chunk.Text(index).Length, chunk.Metadata(index).Length);
    }
}
