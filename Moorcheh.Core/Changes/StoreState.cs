using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts;
using Moorcheh.Artifacts.Pipelines;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Callbacks.Messages;
using Moorcheh.Diagnostics;
using Moorcheh.Durability;
using Moorcheh.Index;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Pipelines;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>
/// Everything the store knows, and the effect of every journal entry on it. Live changes and replay after a crash go through the
/// same methods, so both end in the same state. A method is called once its entry is committed.
/// </summary>
internal sealed class StoreState
{
    private readonly ConcurrentDictionary<string, NamespaceEntry> _byName = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Guid, NamespaceEntry> _byIncarnation = new();

    private readonly ILogger _logger;

    public StoreState(MoorchehOptions options, IRecordStore records, ILogger logger)
    {
        Records = records;
        _logger = logger;
        Jobs = new JobRegistry(options, job => JobErrorRecords.Save(records, job), ForgetRecords);
        Quota = new ItemQuota(options.Limits.MaxItems);
        Outbox = new Outbox(records, options.Artifacts.MaxWaitingCallbacks, logger);
        Messages = new TaskMessages(Outbox, logger);
    }

    public IRecordStore Records { get; }

    public JobRegistry Jobs { get; }

    /// <summary>Unfinished tasks on artifacts.</summary>
    public ArtifactQueue Artifacts { get; } = new();

    /// <summary>Messages about tasks that wait to be sent.</summary>
    public Outbox Outbox { get; }

    /// <summary>Makes the messages about tasks.</summary>
    public TaskMessages Messages { get; }

    public ItemQuota Quota { get; }

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
        else if (job is ArtifactTaskEntry { IsFinished: false } task)
        {
            task.IsReady = true;
            Artifacts.Add(task);
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

    /// <summary>Applies a message of progress found in the journal.</summary>
    public void Replay(in CallbackProgress progress)
    {
        if (Jobs.Find(progress.JobId) is ArtifactTaskEntry { IsFinished: false, Callback: not null } task)
        {
            Messages.Apply(task, progress, isDurable: true);
        }
    }

    /// <summary>A message is out of the outbox, with those before it.</summary>
    public void Apply(in CallbackEnded ended) => Outbox.RemoveThrough(ended.JobId, ended.Number);

    /// <summary>A process ended while something was worked on.</summary>
    public void Apply(in WorkEnded ended)
    {
        switch (ended.Work.Kind)
        {
            case WorkKind.Job when Jobs.Find(ended.Work.Id) is { } job:
                job.ProcessEnds = ended.Ends;
                break;
            case WorkKind.Callback when Outbox.Find(ended.Work.Id, ended.Work.Number) is { } message:
                message.ProcessEnds = ended.Ends;
                break;
            case WorkKind.Index when Find(ended.Work.Id) is { } entry:
                entry.TidyEnds = ended.Ends;
                break;
        }
    }

    /// <summary>Processes in a row that ended while something was worked on; null when there is nothing left to do of it.</summary>
    public int? FindEnds(in WorkKey work) => work.Kind switch
    {
        WorkKind.Job => Jobs.Find(work.Id) is { IsFinished: false } job ? job.ProcessEnds : null,
        WorkKind.Callback => Outbox.Find(work.Id, work.Number)?.ProcessEnds,
        WorkKind.Index => Find(work.Id)?.TidyEnds,
        _ => null,
    };

    /// <summary>Everything that processes have ended with and that is not over.</summary>
    public IEnumerable<WorkEnded> Ended() =>
    [
        .. Jobs.All.Where(job => job is { IsFinished: false, ProcessEnds: > 0 }).Select(job => new WorkEnded(job.Work, job.ProcessEnds)),
        .. Outbox.List().Where(one => one.Message.ProcessEnds > 0).Select(one => new WorkEnded(one.Message.Work, one.Message.ProcessEnds)),
        .. Namespaces.Where(entry => entry.TidyEnds > 0).Select(entry => new WorkEnded(new WorkKey(WorkKind.Index, entry.Incarnation), entry.TidyEnds)),
    ];

    /// <summary>Applies the acceptance of a task: it can be found, and the ingests it revokes have ended.</summary>
    public void Apply(ArtifactTaskEntry task, ArtifactTaskAccepted accepted)
    {
        Jobs.Accept(task);
        foreach (Guid id in accepted.Revoked)
        {
            if (Jobs.Find(id) is ArtifactTaskEntry { IsFinished: false } revoked)
            {
                End(revoked, ArtifactTaskState.Revoked, null, null, accepted.At);
            }
        }
    }

    /// <summary>Applies an acceptance found in the journal; live, the task is queued before it is on disk, see <see cref="ArtifactAcceptor"/>.</summary>
    public void Replay(ArtifactTaskAccepted accepted, long address)
    {
        var task = new ArtifactTaskEntry(accepted, address);
        Restore(task);
        Apply(task, accepted);
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

            Store(entry, chunk, i, chunk.HasText(i) ? embedded.Span : chunk.Vector(i), chunk.Metadata(i), createdAt, progress.At, writer);
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
            await RemoveAsync(entry, Encoding.UTF8.GetBytes(id), removed).ConfigureAwait(false);
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
        DeleteJobEntry job = Jobs.Find(started.JobId) as DeleteJobEntry ?? new DeleteJobEntry(started, entry.Name);
        lock (entry.Lock)
        {
            entry.State = NamespaceState.Deleting;
            entry.DeleteJob = job;
            entry.UpdatedAt = started.At;
        }

        Jobs.Accept(job);
        return job;
    }

    public void Apply(NamespaceEntry entry, in NamespaceDeleteEnded ended)
    {
        DeleteJobEntry job = entry.DeleteJob!;
        if (ended.Error is null)
        {
            // The name is free before anybody can read that the job is completed.
            Forget(entry);
            foreach (ArtifactEntry artifact in entry.Artifacts.Values)
            {
                Records.Delete(entry.ArtifactMetadataKey(artifact));
            }
        }
        else
        {
            entry.State = NamespaceState.PartlyDeleted;
        }

        Jobs.End(job, entry.StoredBytes, ended.Error, ended.At);
    }

    public void Apply(ArtifactTaskEntry task, in ArtifactTaskEnded ended) =>
        End(task, ended.ErrorCode is null ? ArtifactTaskState.Success : ArtifactTaskState.Failure,
            ended.ErrorCode, ended.Error, ended.At, isSkipped: ended.ErrorCode is null && task.Status.IsIngest);

    /// <summary>
    /// Stores an artifact in place of an earlier version: to searches, lists and readers in one step. A namespace that begins to exist with it is
    /// found once everything is in it.
    /// </summary>
    /// <param name="task">The ingest.</param>
    /// <param name="entry">Its namespace; not known to the state yet when the entry creates it.</param>
    /// <param name="stored">The entry.</param>
    /// <param name="read">Reads a part of the chunks from the journal.</param>
    public async ValueTask ApplyAsync(ArtifactTaskEntry task, NamespaceEntry entry, ArtifactStored stored, Func<long, UploadChunk> read)
    {
        ArtifactEntry? before = entry.Artifacts.GetValueOrDefault(task.Key);
        var artifact = new ArtifactEntry(task.Key, task.Status.Artifact, entry.NextRecord, stored.ChunkCount);
        var metadata = new ChunkMetadata(stored.DocMetadata, stored.ChunkCount);
        List<long> replaced = [];
        var writer = new ByteWriter();
        entry.Embedder = stored.Embedder;
        Expect(entry, stored, read);
        foreach (long part in stored.Parts)
        {
            UploadChunk chunk = read(part);
            for (int i = chunk.First; i < chunk.End; i++)
            {
                DateTimeOffset createdAt = stored.At;
                long old = entry.Index.FindRecord(chunk.Id(i));
                if (old >= 0)
                {
                    createdAt = await ForgetAsync(entry, old).ConfigureAwait(false) ?? stored.At;
                    replaced.Add(old);
                }

                Store(entry, chunk, i, chunk.Vector(i), metadata.Of(i), createdAt, stored.At, writer);
            }

            CrashPoints.Pass(CrashPoints.ArtifactStoring);
        }

        for (int i = stored.ChunkCount; i < before?.ChunkCount; i++)
        {
            await RemoveAsync(entry, Encoding.UTF8.GetBytes(task.Key.ChunkId(i)), replaced).ConfigureAwait(false);
        }

        Records.Upsert(entry.ArtifactMetadataKey(artifact), stored.DocMetadata.Utf8Json.Span);
        if (task.IsSync)
        {
            task.Result = stored.DocMetadata;
        }
        else
        {
            Records.Upsert(ArtifactRecords.ResultKey(task.Id), stored.DocMetadata.Utf8Json.Span);
        }

        entry.UpdatedAt = stored.At;
        await TidyAsync(entry).ConfigureAwait(false);
        entry.Index.Publish();
        entry.Artifacts[task.Key] = artifact;
        foreach (long old in replaced)
        {
            Records.Delete(entry.ItemKey(old));
        }

        if (before is not null)
        {
            Records.Delete(entry.ArtifactMetadataKey(before));
        }

        if (stored.Created)
        {
            Restore(entry);
        }

        End(task, ArtifactTaskState.Success, null, null, stored.At, stored: stored.DocMetadata);
    }

    /// <summary>Removes an artifact that exists; a hidden namespace goes with its last one.</summary>
    public async ValueTask ApplyAsync(ArtifactTaskEntry task, NamespaceEntry entry, ArtifactRemoved removed)
    {
        await RemoveAsync(entry, task.Key, removed.At).ConfigureAwait(false);
        End(task, ArtifactTaskState.Success, null, null, removed.At);
    }

    /// <summary>Removes an artifact, if it is there, and a hidden namespace with its last one.</summary>
    public async ValueTask RemoveAsync(NamespaceEntry entry, ArtifactKey key, DateTimeOffset at)
    {
        if (entry.Artifacts.TryRemove(key, out ArtifactEntry? artifact))
        {
            List<long> records = [];
            for (int i = 0; i < artifact.ChunkCount; i++)
            {
                await RemoveAsync(entry, Encoding.UTF8.GetBytes(key.ChunkId(i)), records).ConfigureAwait(false);
            }

            CrashPoints.Pass(CrashPoints.ArtifactRemoving);
            entry.UpdatedAt = at;
            await TidyAsync(entry).ConfigureAwait(false);
            entry.Index.Publish();
            foreach (long record in records)
            {
                Records.Delete(entry.ItemKey(record));
            }

            Records.Delete(entry.ArtifactMetadataKey(artifact));
        }

        if (entry.IsHidden && entry.Artifacts.IsEmpty)
        {
            Forget(entry);
        }
    }

    private void End(
        ArtifactTaskEntry task, ArtifactTaskState end, string? errorCode, string? error, DateTimeOffset at, bool isSkipped = false, ItemMetadata? stored = null)
    {
        Artifacts.Remove(task); // Before anybody can read that it has finished.
        if (end == ArtifactTaskState.Revoked)
        {
            Messages.Revoke(task);
        }
        else
        {
            Messages.End(task, errorCode, error, stored, at);
            CrashPoints.Pass(CrashPoints.CallbackMade);
        }

        Jobs.End(task, end, errorCode, error, isSkipped, at);
        Messages.Release(task);
    }

    /// <summary>Deletes what the record store has of a finished job that is no longer kept.</summary>
    private void ForgetRecords(JobEntry job)
    {
        try
        {
            if (job is ArtifactTaskEntry)
            {
                Records.Delete(ArtifactRecords.ResultKey(job.Id));
            }
            else if (job.Status is UploadJobStatus { Failed: > 0 })
            {
                JobErrorRecords.Delete(Records, job.Id);
            }
        }
        catch (Exception e)
        {
            _logger.RetirementFailed(e); // The change that forgets it has been carried out all the same.
        }
    }

    private void Forget(NamespaceEntry entry)
    {
        _byName.TryRemove(KeyValuePair.Create(entry.Name, entry));
        _byIncarnation.TryRemove(entry.Incarnation, out _);
    }

    /// <summary>Removes an item from the index, if it is there; its record is for the caller to delete once the index is published.</summary>
    private async ValueTask RemoveAsync(NamespaceEntry entry, byte[] id, List<long> records)
    {
        long record = entry.Index.Remove(id);
        if (record >= 0)
        {
            await ForgetAsync(entry, record).ConfigureAwait(false);
            records.Add(record);
        }
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

    /// <summary>
    /// Tells an empty index of the chunks to come. Otherwise it would be encoded anew around their mean once they are in it, and other
    /// writers of the namespace would wait twice as long.
    /// </summary>
    private static void Expect(NamespaceEntry entry, ArtifactStored stored, Func<long, UploadChunk> read)
    {
        if (entry.Index.Count > 0 || stored.ChunkCount < NamespaceIndex.FirstCentre)
        {
            return;
        }

        foreach (long part in stored.Parts)
        {
            UploadChunk chunk = read(part);
            for (int i = chunk.First; i < chunk.End; i++)
            {
                entry.Index.Expect(chunk.Vector(i));
            }

            if (chunk.End >= NamespaceIndex.EnoughForCentre)
            {
                return;
            }
        }
    }

    private void Store(
        NamespaceEntry entry,
        UploadChunk chunk,
        int index,
        ReadOnlySpan<float> vector,
        ReadOnlySpan<byte> metadata,
        DateTimeOffset createdAt,
        DateTimeOffset updatedAt,
        ByteWriter writer)
    {
        ReadOnlySpan<byte> id = chunk.Id(index);
        writer.Clear();
        ItemRecord.Write(writer, createdAt, updatedAt, vector, id, chunk.HasText(index), chunk.Text(index), metadata);
        long number = entry.NextRecord++;
        Records.Upsert(entry.ItemKey(number), writer.Written);
        entry.Index.Put(id, vector, number, metadata, chunk.Text(index));
        entry.StoredBytes += ItemRecord.DataBytes(id.Length, vector.Length, chunk.Text(index).Length, metadata.Length);
    }
}
