using System.Text;
using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Index;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Durability;

/// <summary>
/// <see cref="StoreFiles.RepairAsync"/>: opens a store as far as recovery does, finds out what cannot be read, drops that when it may, and
/// writes the rest anew, so that nothing damaged is needed any more.
/// </summary>
internal sealed class RepairJob(
    StoreState state, ChangeLog log, Checkpoints checkpoints, RecordRewrite rewrite, MoorchehOptions options, CancellationToken cancellationToken)
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
            var log = new ChangeLog(state, storage.Journal, storage.DiskState);
            var indexes = new IndexMaintenance(state, storage.IndexFiles, storage.DiskState, null, options.TimeProvider, logger);
            var checkpoints = new Checkpoints(
                directory.CheckpointDirectory, directory.Disk, storage.DiskState, state, storage.Journal, log, indexes,
                storage.Checkpoint, options.Storage.MaxJournalBytes, logger);
            return await new RepairJob(state, log, checkpoints, new RecordRewrite(state, storage.DiskState, cancellationToken), options, cancellationToken)
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
                entry.Reembedding?.Index.Unmap();
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
                        await DeleteAsync(entry, ids).ConfigureAwait(false);
                    }

                    // Not in the journal: it counts with the checkpoints below, as all that is written anew.
                    foreach (ArtifactEntry artifact in artifacts)
                    {
                        await ArtifactRemoved.RemoveAsync(state, entry, artifact.Key, options.TimeProvider.GetUtcNow()).ConfigureAwait(false);
                    }
                }
            }

            if (isDropped)
            {
                // What re-embeddings have built is made again. Not in the journal, as what is written anew is not.
                foreach (NamespaceEntry entry in state.Namespaces.Where(entry => entry.Reembedding is not null))
                {
                    ReembedEnded.RemoveBuilt(state, entry, entry.Reembedding!);
                }

                isDropped = await rewrite.RunAsync(dropDamaged, lost).ConfigureAwait(false);
            }
        }

        isDropped &= await EndUnreadableJobsAsync(dropDamaged, lost).ConfigureAwait(false);
        if (isDropped)
        {
            // The second one takes the place of the older checkpoint, and what only that one needed goes.
            await checkpoints.TakeAsync().ConfigureAwait(false);
            await checkpoints.TakeAsync().ConfigureAwait(false);
        }

        await log.CommitAsync().ConfigureAwait(false);
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
            lost.Add($"What upload job '{upload.Status.Id}' of namespace '{upload.Status.Namespace}' has not stored yet.");
            if (dropDamaged)
            {
                await CarryOutAsync(new UploadEnded(upload.Id, now, Cause, false)).ConfigureAwait(false);
            }
        }

        foreach (ArtifactTaskEntry task in state.Jobs.All.OfType<ArtifactTaskEntry>().Where(task => !task.IsFinished && !CanReadPayload(task)).ToList())
        {
            isSound = false;
            lost.Add($"Task '{task.Status.Id}' on artifact '{task.Status.Artifact}' of collection '{task.Status.Namespace}'.");
            if (dropDamaged)
            {
                await CarryOutAsync(new ArtifactTaskEnded(task.Id, now, ErrorCodes.StorageDamaged, Cause)).ConfigureAwait(false);
            }
        }

        return isSound || dropDamaged;
    }

    private Task<bool> DeleteAsync(NamespaceEntry entry, string[] ids) => log.RunAsync(
        entry,
        async () =>
        {
            await log.ChangeAsync(entry, new ItemsDeleted(entry.Incarnation, options.TimeProvider.GetUtcNow(), ids), CrashPoints.ItemsDeleting).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    private async Task CarryOutAsync(IChange change)
    {
        log.Append(change);
        await log.CommitAsync().ConfigureAwait(false);
        await log.ApplyAsync(change).ConfigureAwait(false);
    }

    private bool CanReadPayload(UploadJobEntry upload) => CanRead(() => ReadAll(JournalEntryType.UploadChunk, upload.Chunks.Select(chunk => chunk.Address)));

    private bool CanReadPayload(ArtifactTaskEntry task) => CanRead(() =>
    {
        var accepted = ArtifactTaskAccepted.Read(log.Read(task.Address, ArtifactTaskAccepted.TypeNumber).Span);
        ReadAll(JournalEntryType.ArtifactPayload, accepted.Parts);
    });

    private void ReadAll(JournalEntryType type, IEnumerable<long> addresses)
    {
        foreach (long address in addresses)
        {
            _ = log.Read(address, type);
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
            if (!await rewrite.CanReadAsync(entry.ArtifactMetadataKey(artifact)).ConfigureAwait(false))
            {
                artifacts.Add(artifact);
            }
        }

        foreach (SegmentView segment in entry.Index.Snapshot.Segments)
        {
            for (int slot = 0; slot < segment.Count; slot++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (segment.IsLive(slot) && !await rewrite.CanReadAsync(entry.ItemKey(segment.RecordNumber(slot))).ConfigureAwait(false))
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
}
