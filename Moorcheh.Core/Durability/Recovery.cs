using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Index;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Pipelines;
using Moorcheh.Storage;

namespace Moorcheh.Durability;

/// <summary>
/// Opens what a directory holds: the newest checkpoint that verifies, then the journal from there on. No unverified manifest,
/// hash index, block of the record log or journal entry is used, and a directory that cannot be opened as it was left is refused, never
/// opened empty.
/// </summary>
internal static class Recovery
{
    public static async Task<OpenStorage> OpenAsync(DataDirectory directory, MoorchehOptions options, ILogger logger)
    {
        var settings = new FasterSettings(options.Storage.MemoryBudgetBytes);
        var diskState = new DiskState(directory.Root, directory.Disk, options.Storage.MinFreeBytes, logger);
        var files = new JournalFiles(directory.JournalPath, directory.Disk);
        var marker = new CommitMarker(directory.CommitMarkerPath, directory.Disk);
        IRecordStore? records = null;
        try
        {
            CheckMarker(marker, files, directory, diskState);
            var indexFiles = new IndexFiles(directory.IndexDirectory, directory.Disk);
            (StoreState state, CheckpointManifest? manifest) =
                await OpenCheckpointAsync(directory, options, settings, diskState, indexFiles, files, marker.CommittedUntil, logger).ConfigureAwait(false);
            records = state.Records;
            RestoreCallbacks(state, files, logger);
            long from = manifest?.JournalAddress ?? FasterSettings.FirstAddress;
            long end = await ReplayAsync(state, files, from, logger).ConfigureAwait(false);
            if (end < marker.CommittedUntil)
            {
                throw new MoorchehException(
                    ErrorCodes.StorageDamaged,
                    $"The journal '{files.Path}' is damaged at address {end}: it was committed up to address {marker.CommittedUntil}. "
                    + "Nothing of the data was changed; restore the directory from a backup.")
                {
                    Facts = new Dictionary<string, object> { ["Where"] = $"{files.Path}@{end}" },
                };
            }

            CountQuota(state);
            long start = end;
            diskState.Insist(() => start = CutTail(files, end, marker.CommittedUntil));
            CrashPoints.Pass(CrashPoints.JournalCut);
            diskState.KeepReserve();
            var journal = new FasterJournal(files, marker, settings, directory.Disk, diskState, start);
            return new OpenStorage(state, journal, manifest, indexFiles, diskState);
        }
        catch
        {
            if (records is not null)
            {
                await records.DisposeAsync().ConfigureAwait(false);
            }

            marker.Dispose();
            files.Dispose();
            throw;
        }
    }

    /// <summary>
    /// A marker without a commit belongs to a new journal. It is filled before anything else is written, so where there is more, it was
    /// damaged, and without it a damaged end of the journal would look like one that was never committed.
    /// </summary>
    private static void CheckMarker(CommitMarker marker, JournalFiles files, DataDirectory directory, DiskState diskState)
    {
        if (marker.IsSound)
        {
            return;
        }

        if (files.IsEmpty && CheckpointManifest.Numbers(directory.CheckpointDirectory).Count == 0)
        {
            diskState.Insist(marker.Begin);
            return;
        }

        throw new MoorchehException(
            ErrorCodes.StorageDamaged,
            $"The commit marker '{directory.CommitMarkerPath}' is missing or damaged, so that nothing tells where the journal should end. "
            + "Nothing of the data was changed; restore the directory from a backup.")
        {
            Facts = new Dictionary<string, object> { ["Where"] = directory.CommitMarkerPath },
        };
    }

    /// <summary>
    /// True when a store without a checkpoint has had one: its journal was cut behind a checkpoint, or is gone though something was committed.
    /// </summary>
    public static bool LacksCheckpoint(JournalFiles files, long? committed) =>
        !files.IsWhole && committed is null or > FasterSettings.FirstAddress;

    /// <summary>Opens the newest checkpoint that is sound, with the list of namespaces and jobs and the indexes.</summary>
    private static async Task<(StoreState State, CheckpointManifest? Manifest)> OpenCheckpointAsync(
        DataDirectory directory,
        MoorchehOptions options,
        FasterSettings settings,
        DiskState diskState,
        IndexFiles indexFiles,
        JournalFiles journal,
        long committedUntil,
        ILogger logger)
    {
        IReadOnlyList<long> numbers = CheckpointManifest.Numbers(directory.CheckpointDirectory);
        List<string> reasons = [];
        List<long> unusable = [];
        foreach (long number in numbers)
        {
            IRecordStore? records = null;
            try
            {
                CheckpointManifest manifest = CheckpointManifest.Load(directory.CheckpointDirectory, number);
                if (unusable.Count > 0 && journal.Scan(manifest.JournalAddress, (_, _, _) => { }) is var end && end < committedUntil)
                {
                    throw new InvalidDataException($"The journal behind checkpoint {number} is damaged at address {end}.");
                }

                records = new FasterRecordStore(
                    directory.RecordPath, directory.CheckpointDirectory, settings, directory.Disk, diskState, manifest.Records);
                var state = new StoreState(options, records, logger);
                await Catalog.LoadAsync(state, manifest.CatalogPages).ConfigureAwait(false);
                RestoreIndexes(state, indexFiles, logger);
                PutAside(directory, unusable);
                return (state, manifest);
            }
            catch (Exception e) when (e is InvalidDataException or (IOException and not FlushException) or MoorchehException { Code: ErrorCodes.StorageDamaged })
            {
                logger.CheckpointUnusable(number, e.Message);
                reasons.Add(e.Message);
                unusable.Add(number);
                await CloseAsync(records).ConfigureAwait(false);
            }
            catch
            {
                await CloseAsync(records).ConfigureAwait(false);
                throw;
            }
        }

        if (numbers.Count > 0)
        {
            throw new MoorchehException(
                ErrorCodes.StorageDamaged,
                $"None of the {numbers.Count} checkpoints can be used: {string.Join(" ", reasons)} Restore the directory from a backup.")
            {
                Facts = new Dictionary<string, object> { ["Where"] = directory.CheckpointDirectory },
            };
        }

        if (LacksCheckpoint(journal, committedUntil))
        {
            throw new MoorchehException(
                ErrorCodes.StorageDamaged,
                $"No checkpoint is in '{directory.CheckpointDirectory}', and the journal '{journal.Path}' does not begin at its beginning. "
                + "Nothing of the data was changed; restore the directory from a backup.")
            {
                Facts = new Dictionary<string, object> { ["Where"] = directory.CheckpointDirectory },
            };
        }

        return (
            new StoreState(
                options, new FasterRecordStore(directory.RecordPath, directory.CheckpointDirectory, settings, directory.Disk, diskState, null), logger),
            null);
    }

    /// <summary>Where the messages about unfinished tasks go is in the journal, with what else the tasks were accepted with.</summary>
    private static void RestoreCallbacks(StoreState state, JournalFiles files, ILogger logger)
    {
        foreach (ArtifactTaskEntry task in state.Jobs.All.OfType<ArtifactTaskEntry>().Where(task => task is { IsFinished: false, Callback: not null }))
        {
            try
            {
                byte[] framed = files.Read(task.Address, JournalEntryType.ArtifactTaskAccepted);
                task.Callback!.Target = ArtifactTaskAccepted.Read(framed.AsSpan(JournalFrame.HeaderBytes)).Callback
                    ?? throw new InvalidDataException($"The journal has no callback of task {task.Status.JobId}.");
                state.Jobs.HoldCallback(task);
            }
            catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
            {
                // The store opens all the same; an ingest fails when it reads its entry.
                logger.CallbackTargetLost(task.Status.JobId, e);
                task.ForgetCallback();
            }
        }
    }

    /// <summary>
    /// Newer checkpoints that cannot be used get another name before anything is replayed onto the older one: what replay writes takes the
    /// place of the end of their log, and the next opening must not take them up again.
    /// </summary>
    public static void PutAside(DataDirectory directory, IReadOnlyList<long> unusable)
    {
        foreach (long number in unusable)
        {
            string path = CheckpointManifest.FileOf(directory.CheckpointDirectory, number);
            directory.Disk.Move(path, path + CheckpointManifest.UnusableSuffix);
        }

        if (unusable.Count > 0)
        {
            directory.Disk.FlushDirectory(directory.CheckpointDirectory);
        }
    }

    private static ValueTask CloseAsync(IRecordStore? records) => records?.DisposeAsync() ?? default;

    /// <summary>Reads the indexes from their files; those whose files are missing or damaged are made anew from the records.</summary>
    private static void RestoreIndexes(StoreState state, IndexFiles files, ILogger logger)
    {
        List<NamespaceEntry> lost = [];
        foreach (NamespaceEntry entry in state.Namespaces.Where(entry => entry.IndexToken != Guid.Empty))
        {
            try
            {
                entry.Index.Restore(files.Read(entry.IndexToken, NamespaceEntry.SeedOf(entry.Incarnation)));
            }
            catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                logger.IndexRebuilt(entry.Name, e.Message);
                lost.Add(entry);
            }
        }

        if (lost.Count > 0)
        {
            RebuildIndexes(state, lost);
        }
    }

    /// <summary>Fills indexes from the item records; of each namespace those that are still alive at the end of the log.</summary>
    private static void RebuildIndexes(StoreState state, IReadOnlyList<NamespaceEntry> entries)
    {
        Dictionary<Guid, HashSet<long>> live = entries.ToDictionary(entry => entry.Incarnation, _ => new HashSet<long>());
        state.Records.Scan((in RecordKey key, ReadOnlySpan<byte> body, bool deleted) =>
        {
            if (key.Kind == RecordKind.Item && live.TryGetValue(key.Owner, out HashSet<long>? numbers))
            {
                if (deleted)
                {
                    numbers.Remove(key.Number);
                }
                else
                {
                    numbers.Add(key.Number);
                    state.Find(key.Owner)!.Index.Expect(ItemRecord.Parse(body).Vector);
                }
            }
        });
        state.Records.Scan((in RecordKey key, ReadOnlySpan<byte> body, bool deleted) =>
        {
            // A record that was moved to the end of the log is met twice; the first time is enough.
            if (!deleted && key.Kind == RecordKind.Item && live.TryGetValue(key.Owner, out HashSet<long>? numbers) && numbers.Remove(key.Number))
            {
                ItemRecord item = ItemRecord.Parse(body);
                state.Find(key.Owner)!.Index.Put(item.Id, item.Vector, key.Number, item.Metadata, item.Text);
            }
        });
        foreach (NamespaceEntry entry in entries)
        {
            entry.Index.Publish();
        }
    }

    /// <summary>Applies the journal's entries. It is read twice, a page at a time: however much there is, little of it is in memory.</summary>
    /// <returns>Where the valid entries end.</returns>
    private static async Task<long> ReplayAsync(StoreState state, JournalFiles files, long from, ILogger logger)
    {
        HashSet<Guid> aborted = [];
        long count = 0;
        long end = files.Scan(from, (address, type, body) =>
        {
            if (type == JournalEntryType.UploadAborted)
            {
                aborted.Add(UploadAborted.Read(body).JobId);
            }

            count++;
        });
        var chunks = new ReplayedChunks(files);
        var reader = new JournalReader(files, from);
        while (reader.Read())
        {
            if (reader.Type == JournalEntryType.ArtifactTaskAccepted)
            {
                // One that was taken back revoked nothing either.
                ArtifactTaskAccepted accepted = ArtifactTaskAccepted.Read(reader.Body.Span);
                if (!aborted.Contains(accepted.JobId))
                {
                    state.Replay(accepted, reader.Address);
                }
            }
            else
            {
                await ReplayAsync(state, files, chunks, reader.Type, reader.Body).ConfigureAwait(false);
            }
        }

        if (reader.End != end)
        {
            throw new IOException($"The journal '{files.Path}' ended at address {end} when it was read first, and at {reader.End} when it was read again.");
        }

        logger.JournalReplayed(count);
        return end;
    }

    private static async ValueTask ReplayAsync(
        StoreState state, JournalFiles files, ReplayedChunks chunks, JournalEntryType type, ReadOnlyMemory<byte> entry)
    {
        ReadOnlySpan<byte> body = entry.Span;
        switch (type)
        {
            case JournalEntryType.NamespaceCreated:
                state.Apply(NamespaceCreated.Read(body));
                break;
            case JournalEntryType.UploadChunk:
            case JournalEntryType.ArtifactPayload:
                break;
            case JournalEntryType.UploadAccepted:
                state.Replay(UploadAccepted.Read(body));
                break;
            case JournalEntryType.UploadProgress:
                UploadProgress progress = UploadProgress.Read(body);
                if (state.Jobs.Find(progress.JobId) is UploadJobEntry { IsFinished: false } job
                    && job.Cursor == progress.From
                    && state.Find(job.Incarnation) is { } target)
                {
                    await state.ApplyAsync(target, job, chunks.At(job, progress.From), progress).ConfigureAwait(false);
                }

                break;
            case JournalEntryType.UploadEnded:
                UploadEnded ended = UploadEnded.Read(body);
                if (state.Jobs.Find(ended.JobId) is UploadJobEntry { IsFinished: false } upload)
                {
                    state.Apply(upload, ended);
                }

                break;
            case JournalEntryType.UploadAborted:
                state.Replay(UploadAborted.Read(body));
                break;
            case JournalEntryType.ItemsDeleted:
                ItemsDeleted deleted = ItemsDeleted.Read(body);
                if (state.Find(deleted.Incarnation) is { } owner)
                {
                    await state.ApplyAsync(owner, deleted).ConfigureAwait(false);
                }

                break;
            case JournalEntryType.NamespaceDeleteStarted:
                NamespaceDeleteStarted started = NamespaceDeleteStarted.Read(body);
                if (state.Find(started.Incarnation) is { } doomed)
                {
                    state.Apply(doomed, started);
                }

                break;
            case JournalEntryType.NamespaceDeleteProgress:
                NamespaceDeleteProgress removed = NamespaceDeleteProgress.Read(body);
                if (state.Jobs.Find(removed.JobId) is DeleteJobEntry { IsFinished: false } delete)
                {
                    state.Jobs.Progress(delete, removed.DeletedItems, removed.At);
                }

                break;
            case JournalEntryType.NamespaceDeleteEnded:
                ReplayDeleteEnded(state, NamespaceDeleteEnded.Read(body));
                break;
            case JournalEntryType.ArtifactStored:
                await ReplayAsync(state, files, ArtifactStored.Read(body)).ConfigureAwait(false);
                break;
            case JournalEntryType.ArtifactRemoved:
                ArtifactRemoved gone = ArtifactRemoved.Read(body);
                if (state.Jobs.Find(gone.JobId) is ArtifactTaskEntry { IsFinished: false } removal && state.Find(gone.Incarnation) is { } collection)
                {
                    await state.ApplyAsync(removal, collection, gone).ConfigureAwait(false);
                }

                break;
            case JournalEntryType.ArtifactTaskEnded:
                ArtifactTaskEnded taskEnded = ArtifactTaskEnded.Read(body);
                if (state.Jobs.Find(taskEnded.JobId) is ArtifactTaskEntry { IsFinished: false } task)
                {
                    state.Apply(task, taskEnded);
                }

                break;
            case JournalEntryType.CallbackProgress:
                state.Replay(CallbackProgress.Read(body));
                break;
            case JournalEntryType.CallbackEnded:
                state.Apply(CallbackEnded.Read(body));
                break;
            case JournalEntryType.WorkEnded:
                state.Apply(WorkEnded.Read(body));
                break;
            default:
                throw new MoorchehException(
                    ErrorCodes.UnsupportedFormat, $"The journal has an entry of type {(byte)type}, which this build does not know.")
                {
                    Facts = new Dictionary<string, object> { ["Found"] = (byte)type, ["Supported"] = (byte)JournalEntryType.WorkEnded },
                };
        }
    }

    private static async ValueTask ReplayAsync(StoreState state, JournalFiles files, ArtifactStored stored)
    {
        if (state.Jobs.Find(stored.JobId) is not ArtifactTaskEntry { IsFinished: false } task)
        {
            return;
        }

        NamespaceEntry? entry = stored.Created
            ? new NamespaceEntry(stored.Incarnation, task.Status.NamespaceName, NamespaceKind.Text, null, stored.At)
            : state.Find(stored.Incarnation);
        if (entry is not null)
        {
            await state.ApplyAsync(task, entry, stored, address => UploadChunk.Parse(
                files.Read(address, JournalEntryType.UploadChunk).AsMemory(JournalFrame.HeaderBytes))).ConfigureAwait(false);
        }
    }

    private static void ReplayDeleteEnded(StoreState state, NamespaceDeleteEnded ended)
    {
        if (state.Jobs.Find(ended.JobId) is DeleteJobEntry { IsFinished: false } job && state.Find(job.Incarnation) is { } entry)
        {
            if (ended.Error is null)
            {
                // The records were removed before the crash, but the record store is as it was at the checkpoint.
                DeletePipeline.RemoveRecords(state, entry, int.MaxValue);
            }

            state.Apply(entry, ended);
        }
    }

    private static void CountQuota(StoreState state)
    {
        foreach (NamespaceEntry entry in state.Namespaces)
        {
            long reserved = entry.Uploads.Sum(upload => upload.CountReserved());
            state.Quota.Restore(entry.State == NamespaceState.Active ? entry.Index.Count : 0, reserved);
        }
    }

    /// <summary>Cuts a torn tail off and returns the page start where the journal goes on.</summary>
    private static long CutTail(JournalFiles files, long end, long committedUntil)
    {
        if (end == FasterSettings.FirstAddress && files.IsEmpty)
        {
            return end;
        }

        files.CutAt(end, committedUntil);
        return end % FasterSettings.PageBytes == 0 ? end : JournalFiles.NextPage(end);
    }
}

/// <summary>The payload that replay reads; the part read last is kept, of one upload, because its next step is likely to need it again.</summary>
internal sealed class ReplayedChunks(JournalFiles files)
{
    private UploadChunk? _last;

    public UploadChunk At(UploadJobEntry job, int index)
    {
        if (_last is null || _last.JobId != job.Id || index < _last.First || index >= _last.End)
        {
            long address = job.Chunks.Last(reference => reference.First <= index).Address;
            _last = UploadChunk.Parse(files.Read(address, JournalEntryType.UploadChunk).AsMemory(JournalFrame.HeaderBytes));
        }

        return _last;
    }
}

/// <summary>What recovery opened.</summary>
internal sealed record OpenStorage(StoreState State, IJournal Journal, CheckpointManifest? Checkpoint, IndexFiles IndexFiles, DiskState DiskState);
