using System.Text;
using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Callbacks.Messages;
using Moorcheh.Changes;
using Moorcheh.Index;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Pipelines;
using Moorcheh.Storage;

namespace Moorcheh.Durability;

/// <summary>
/// <see cref="StoreFiles.RepairAsync"/>: opens a store as far as recovery does, finds out what cannot be read, drops that when it may, and
/// writes the rest anew, so that nothing damaged is needed any more.
/// </summary>
internal sealed class RepairJob(
    StoreState state, IJournal journal, Checkpoints checkpoints, ItemAccess items, DiskState disk, MoorchehOptions options, CancellationToken cancellationToken)
{
    public static async Task<StoreRepair> RunAsync(string root, bool dropDamaged, MoorchehOptions options, CancellationToken cancellationToken)
    {
        StoreVerification before;
        using (DataDirectory.LockForReading(root))
        {
            before = StoreVerification.Run(root, cancellationToken);
        }

        if (before.Damage.Count == 0)
        {
            return new StoreRepair([], [], true);
        }

        List<string> lost = [];
        if (before.JournalEnd is { } end)
        {
            lost.Add($"Whatever the journal held from address {end} on.");
        }

        bool isDropped = lost.Count == 0 || dropDamaged;
        if (before.LacksCheckpoint || !isDropped)
        {
            return new StoreRepair(before.Damage, lost, false);
        }

        using (DataDirectory directory = DataDirectory.Open(root, options.Disk))
        {
            if (before.JournalEnd is { } newEnd)
            {
                using var marker = new CommitMarker(directory.CommitMarkerPath, directory.Disk);
                marker.Write(newEnd);
                marker.Write(newEnd);
            }

            if (before.WholeOlder is { } older)
            {
                Recovery.PutAside(directory, [.. CheckpointManifest.Numbers(directory.CheckpointDirectory).TakeWhile(number => number > older.Number)]);
            }

            bool hasDamagedRecords = before.HasDamagedRecords && before.WholeOlder is null;
            isDropped = await RunAsync(directory, options, dropDamaged, hasDamagedRecords, lost, cancellationToken).ConfigureAwait(false);
        }

        using (DataDirectory.LockForReading(root))
        {
            return new StoreRepair(before.Damage, lost, isDropped && StoreVerification.Run(root, cancellationToken).Damage.Count == 0);
        }
    }

    private static async Task<bool> RunAsync(
        DataDirectory directory, MoorchehOptions options, bool dropDamaged, bool hasDamagedRecords, List<string> lost, CancellationToken cancellationToken)
    {
        ILogger logger = options.CreateLogger();
        OpenStorage storage = await Recovery.OpenAsync(directory, options, logger).ConfigureAwait(false);
        StoreState state = storage.State;
        try
        {
            var gate = new CheckpointGate();
            var indexes = new IndexMaintenance(state, storage.IndexFiles, storage.DiskState, null, options.TimeProvider, logger);
            var checkpoints = new Checkpoints(
                directory.CheckpointDirectory, directory.Disk, storage.DiskState, state, storage.Journal,
                gate, indexes, storage.Checkpoint, options.Storage.MaxJournalBytes, logger);
            var items = new ItemAccess(state, new NamespaceTable(state, storage.Journal, gate, storage.DiskState, options), storage.Journal, gate, options);
            return await new RepairJob(state, storage.Journal, checkpoints, items, storage.DiskState, options, cancellationToken)
                .RunAsync(dropDamaged, hasDamagedRecords, lost).ConfigureAwait(false);
        }
        finally
        {
            storage.DiskState.BeginClosing();
            await storage.DiskState.DrainAsync().ConfigureAwait(false);
            await storage.Journal.DisposeAsync().ConfigureAwait(false);
            await state.Records.DisposeAsync().ConfigureAwait(false);
            foreach (NamespaceEntry entry in state.Namespaces)
            {
                entry.Index.Unmap();
            }
        }
    }

    private async Task<bool> RunAsync(bool dropDamaged, bool hasDamagedRecords, List<string> lost)
    {
        bool isDropped = true;
        if (hasDamagedRecords)
        {
            foreach (NamespaceEntry entry in state.Namespaces.Where(entry => entry.State == NamespaceState.Active).OrderBy(entry => entry.Name, StringComparer.Ordinal))
            {
                (List<string> unreadable, HashSet<ArtifactEntry> artifacts) = await FindUnreadableAsync(entry).ConfigureAwait(false);
                lost.AddRange(unreadable.Select(id => $"Item '{id}' of namespace '{entry.Name}'."));
                lost.AddRange(artifacts.Select(artifact => $"Artifact '{artifact.Name}' of collection '{entry.Name}'."));
                isDropped &= (unreadable.Count == 0 && artifacts.Count == 0) || dropDamaged;
                if (dropDamaged)
                {
                    foreach (string[] ids in unreadable.Chunk(MoorchehStore.MaxIds))
                    {
                        await items.DeleteAsync(entry.Name, ids, new ChangeTicket(), cancellationToken).ConfigureAwait(false);
                    }

                    // Not in the journal: it counts with the checkpoints below, as all that is written anew.
                    foreach (ArtifactEntry artifact in artifacts)
                    {
                        await state.RemoveAsync(entry, artifact.Key, options.TimeProvider.GetUtcNow()).ConfigureAwait(false);
                    }
                }
            }

            if (isDropped)
            {
                isDropped = await RewriteAsync(dropDamaged, lost).ConfigureAwait(false);
            }
        }

        isDropped &= await EndUnreadableJobsAsync(dropDamaged, lost).ConfigureAwait(false);
        if (isDropped)
        {
            // The second one takes the place of the older checkpoint, and what only that one needed goes.
            await checkpoints.TakeAsync().ConfigureAwait(false);
            await checkpoints.TakeAsync().ConfigureAwait(false);
        }

        await journal.CommitAsync().ConfigureAwait(false);
        return isDropped;
    }

    /// <summary>Ends the unfinished uploads and tasks a part of whose payload cannot be read.</summary>
    /// <returns>False when there are some and they may not be dropped.</returns>
    private async Task<bool> EndUnreadableJobsAsync(bool dropDamaged, List<string> lost)
    {
        DateTimeOffset now = options.TimeProvider.GetUtcNow();
        const string Cause = "The journal is damaged in what the job was to store.";
        bool isSound = true;
        foreach (UploadJobEntry upload in state.Jobs.All.OfType<UploadJobEntry>().Where(upload => !upload.IsFinished && !CanReadPayload(upload)).ToList())
        {
            isSound = false;
            lost.Add($"What upload job '{upload.Status.JobId}' of namespace '{upload.Status.NamespaceName}' has not stored yet.");
            if (dropDamaged)
            {
                var ended = new UploadEnded(upload.Id, now, Cause, false);
                await CommitAsync(JournalEntryType.UploadEnded, ended.Write).ConfigureAwait(false);
                state.Quota.Release(upload.CountReserved());
                state.Apply(upload, ended);
            }
        }

        foreach (ArtifactTaskEntry task in state.Jobs.All.OfType<ArtifactTaskEntry>().Where(task => !task.IsFinished && !CanReadPayload(task)).ToList())
        {
            isSound = false;
            lost.Add($"Task '{task.Status.JobId}' on artifact '{task.Status.Artifact}' of collection '{task.Status.NamespaceName}'.");
            if (dropDamaged)
            {
                var ended = new ArtifactTaskEnded(task.Id, now, ErrorCodes.StorageDamaged, Cause);
                await CommitAsync(JournalEntryType.ArtifactTaskEnded, ended.Write).ConfigureAwait(false);
                state.Apply(task, ended);
            }
        }

        return isSound || dropDamaged;
    }

    private async Task CommitAsync(JournalEntryType type, Action<ByteWriter> write)
    {
        var writer = new ByteWriter();
        write(writer);
        journal.Append(type, writer.Written);
        await journal.CommitAsync().ConfigureAwait(false);
    }

    private bool CanReadPayload(UploadJobEntry upload) => CanRead(() => ReadAll(JournalEntryType.UploadChunk, upload.Chunks.Select(chunk => chunk.Address)));

    private bool CanReadPayload(ArtifactTaskEntry task) => CanRead(() =>
    {
        var accepted = ArtifactTaskAccepted.Read(journal.Read(task.Address, JournalEntryType.ArtifactTaskAccepted).Span);
        ReadAll(JournalEntryType.ArtifactPayload, accepted.Parts);
    });

    private void ReadAll(JournalEntryType type, IEnumerable<long> addresses)
    {
        foreach (long address in addresses)
        {
            _ = journal.Read(address, type);
        }
    }

    private static bool CanRead(Action read)
    {
        try
        {
            read();
            return true;
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
        {
            return false;
        }
    }

    /// <summary>Items that cannot be read, and artifacts with such a chunk or metadata: what is left of one is not its text any more.</summary>
    private async Task<(List<string> Ids, HashSet<ArtifactEntry> Artifacts)> FindUnreadableAsync(NamespaceEntry entry)
    {
        List<string> unreadable = [];
        HashSet<ArtifactEntry> artifacts = [];
        foreach (ArtifactEntry artifact in entry.Artifacts.Values)
        {
            if (!await CanReadAsync(entry.ArtifactMetadataKey(artifact)).ConfigureAwait(false))
            {
                artifacts.Add(artifact);
            }
        }

        foreach (SegmentView segment in entry.Index.Snapshot.Segments)
        {
            for (int slot = 0; slot < segment.Count; slot++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (segment.IsLive(slot) && !await CanReadAsync(entry.ItemKey(segment.RecordNumber(slot))).ConfigureAwait(false))
                {
                    if (entry.FindOwner(segment.Id(slot)) is { } artifact)
                    {
                        artifacts.Add(artifact);
                    }
                    else
                    {
                        unreadable.Add(Encoding.UTF8.GetString(segment.Id(slot)));
                    }
                }
            }
        }

        return (unreadable, artifacts);
    }

    private async ValueTask<bool> CanReadAsync(RecordKey key)
    {
        try
        {
            using RecordLease lease = await state.Records.ReadAsync(key).ConfigureAwait(false);
            return lease.IsFound;
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
        {
            return false;
        }
    }

    /// <summary>Writes all that is alive to the end of the record log and forgets what was before.</summary>
    private async Task<bool> RewriteAsync(bool dropDamaged, List<string> lost)
    {
        disk.RequireRoom(state.Records.LogBytes + (2 * state.Records.HashIndexBytes));
        long begin = state.Records.StartNewPage();
        foreach (NamespaceEntry entry in state.Namespaces)
        {
            foreach (long number in entry.Index.LiveRecords())
            {
                cancellationToken.ThrowIfCancellationRequested();
                RecordKey key = entry.ItemKey(number);
                if (entry.State == NamespaceState.Active || await CanReadAsync(key).ConfigureAwait(false))
                {
                    await RewriteAsync(key).ConfigureAwait(false);
                }
            }

            foreach (ArtifactEntry artifact in entry.Artifacts.Values)
            {
                RecordKey key = entry.ArtifactMetadataKey(artifact);
                if (entry.State == NamespaceState.Active || await CanReadAsync(key).ConfigureAwait(false))
                {
                    await RewriteAsync(key).ConfigureAwait(false);
                }
            }
        }

        foreach (JobEntry job in state.Jobs.All)
        {
            string what = job is ArtifactTaskEntry ? $"The result of task '{job.Id:D}'." : $"The list of item errors of job '{job.Id:N}'.";
            if (!await TryRewriteAsync(DetailsKey(job), what, lost).ConfigureAwait(false))
            {
                if (!dropDamaged)
                {
                    return false;
                }

                state.Records.Delete(DetailsKey(job));
            }
        }

        foreach ((OutboxMessage message, _) in state.Outbox.List())
        {
            if (!await TryRewriteAsync(CallbackRecords.Key(message.JobId, message.Number), $"The message '{message.Id}', which was not sent yet.", lost).ConfigureAwait(false))
            {
                if (!dropDamaged)
                {
                    return false;
                }

                state.Outbox.Remove(message.JobId, message.Number);
            }
        }

        state.Records.ForgetBefore(begin);
        return true;
    }

    /// <summary>Writes a record anew, or notes that it is lost.</summary>
    private async ValueTask<bool> TryRewriteAsync(RecordKey key, string what, List<string> lost)
    {
        try
        {
            await RewriteAsync(key).ConfigureAwait(false);
            return true;
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
        {
            lost.Add(what);
            return false;
        }
    }

    private static RecordKey DetailsKey(JobEntry job) => job is ArtifactTaskEntry ? ArtifactRecords.ResultKey(job.Id) : JobErrorRecords.Key(job.Id);

    private async ValueTask RewriteAsync(RecordKey key)
    {
        using RecordLease lease = await state.Records.ReadAsync(key).ConfigureAwait(false);
        if (lease.IsFound)
        {
            state.Records.Upsert(key, lease.Body);
        }
    }
}
