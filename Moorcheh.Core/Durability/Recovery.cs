using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Index;
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
            long end = await Replay.RunAsync(state, files, from, logger).ConfigureAwait(false);
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
                IndexRebuild.Restore(state, indexFiles, logger);
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
                byte[] framed = files.Read(task.Address, ArtifactTaskAccepted.TypeNumber);
                task.Callback!.Target = ArtifactTaskAccepted.Read(framed.AsSpan(JournalFrame.HeaderBytes)).Callback
                    ?? throw new InvalidDataException($"The journal has no callback of task {task.Status.Id}.");
                state.Jobs.HoldCallback(task);
            }
            catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
            {
                // The store opens all the same; an ingest fails when it reads its entry.
                logger.CallbackTargetLost(task.Status.Id, e);
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

/// <summary>What recovery opened.</summary>
internal sealed record OpenStorage(StoreState State, IJournal Journal, CheckpointManifest? Checkpoint, IndexFiles IndexFiles, DiskState DiskState);
