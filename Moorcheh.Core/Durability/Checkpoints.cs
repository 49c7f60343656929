using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Index;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Durability;

/// <summary>
/// Takes checkpoints and keeps the last two. A checkpoint is written, flushed, read back and hashed before its manifest is renamed into
/// place; the journal is cut only behind the older one.
/// </summary>
internal sealed class Checkpoints(
    string directory, Disk disk, DiskState diskState, StoreState state, IJournal journal, ChangeLog log,
    IndexMaintenance indexes, CheckpointManifest? newest, long maxJournalBytes, ILogger logger)
{
    private const int Kept = 2;

    // The log may be this much longer than what is alive in it.
    private const double MaxLogShare = 1.1;
    private const long MinLogBytes = 2 * FasterSettings.SegmentBytes;

    private readonly SemaphoreSlim _one = new(1, 1);
    private CheckpointManifest? _newest = newest;
    private CheckpointManifest? _older;
    private long _compactFrom;

    /// <summary>Journal bytes since the last checkpoint.</summary>
    public long JournalBytes => journal.TailAddress - (_newest?.JournalAddress ?? FasterSettings.FirstAddress);

    /// <summary>Journal bytes that are kept: from the payload of the oldest job that was unfinished at the older checkpoint on.</summary>
    public long KeptJournalBytes => journal.TailAddress - ((_older ?? _newest)?.JournalFloor ?? FasterSettings.FirstAddress);

    /// <summary>True when what stores something is refused until the journal is cut.</summary>
    public bool IsJournalFull => KeptJournalBytes >= maxJournalBytes;

    /// <summary>True when it is, and one or two more checkpoints cut it.</summary>
    public bool IsJournalCuttable => IsJournalFull && (JournalBytes > 0 || _newest!.JournalFloor > (_older ?? _newest).JournalFloor);

    /// <summary>True when the older checkpoint keeps a part of the record log that is not needed any more.</summary>
    public bool KeepsDeadRecords => state.Records.BeginAddress - (_older?.RecordsBegin ?? 0) >= FasterSettings.SegmentBytes;

    /// <summary>Throws when the journal is as long as it may get.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.JournalFull"/>.</exception>
    public void RequireJournalRoom()
    {
        if (KeptJournalBytes is var kept && kept >= maxJournalBytes)
        {
            throw new MoorchehException(
                ErrorCodes.JournalFull, $"The journal has {kept} bytes of {maxJournalBytes} and waits for a checkpoint; nothing was stored.")
            {
                Facts = new Dictionary<string, object> { ["JournalBytes"] = kept, ["MaxJournalBytes"] = maxJournalBytes },
            };
        }
    }

    /// <summary>Moves live records out of the oldest part of the record log when too much of the log is dead.</summary>
    /// <returns>True when there was something to do.</returns>
    public async Task<bool> CompactRecordsAsync()
    {
        long live = state.Namespaces.Sum(entry => entry.State == NamespaceState.Active ? entry.LogBytes : 0);
        long before = state.Records.LogBytes;
        if (before < Math.Max(_compactFrom, MinLogBytes + (long)(live * MaxLogShare)))
        {
            return false;
        }

        using (await log.EnterAsync().ConfigureAwait(false))
        {
            try
            {
                state.Records.FlushAhead();
            }
            catch (FlushException e)
            {
                diskState.FlushFailed(e);
                throw;
            }

            state.Records.Compact(FasterSettings.SegmentBytes);
            CrashPoints.Pass(CrashPoints.RecordsCompacted);
        }

        // The sum of the live records is an estimate: page ends and records other than items are not in it. Where compaction gains little,
        // it waits until the log has grown again, or it would copy the same records for ever.
        long gained = before - state.Records.LogBytes;
        _compactFrom = gained < FasterSettings.SegmentBytes / 8 ? state.Records.LogBytes + MinLogBytes : 0;
        return true;
    }

    /// <summary>Changes records that have no entry in the journal, while no checkpoint is written.</summary>
    public async Task ChangeRecordsAsync(Action change)
    {
        using (await log.EnterAsync().ConfigureAwait(false))
        {
            change();
        }
    }

    /// <summary>Takes a checkpoint; changes hold still for a part of the time.</summary>
    public async Task TakeAsync()
    {
        await _one.WaitAsync().ConfigureAwait(false);
        try
        {
            await TakeCoreAsync().ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Takes a checkpoint and does something with its files before the next one is taken.</summary>
    public async Task TakeAsync(Action<CheckpointManifest> use, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await TakeCoreAsync().ConfigureAwait(false);
            await Task.Run(() => use(_newest!), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task TakeCoreAsync()
    {
        long started = Stopwatch.GetTimestamp();
        HashSet<string> before = [.. Directory.EnumerateFiles(directory)];
        CheckpointManifest manifest;
        try
        {
            manifest = await WriteAsync().ConfigureAwait(false);
        }
        catch (FlushException e)
        {
            diskState.FlushFailed(e);
            RemoveFailed(before);
            throw new MoorchehException(ErrorCodes.StorageFailed, $"The checkpoint does not count: {e.Message}", e);
        }
        catch
        {
            RemoveFailed(before);
            throw;
        }

        _older = _newest;
        _newest = manifest;
        diskState.CheckpointTaken();
        if (_older is not null)
        {
            RemoveOld();
            CrashPoints.Pass(CrashPoints.CheckpointOldRemoved);
            journal.TruncateBefore(_older.JournalFloor);
            state.Records.DeleteBefore(_older.RecordsBegin);
        }

        await indexes.SweepAsync().ConfigureAwait(false);
        logger.CheckpointTaken(manifest.Number, (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds);
    }

    /// <summary>Writes all of a checkpoint; it counts when this returns.</summary>
    private async Task<CheckpointManifest> WriteAsync()
    {
        diskState.RequireCheckpointRoom(state.Records.UnflushedBytes + (2 * state.Records.HashIndexBytes));
        await FinishChangesAsync().ConfigureAwait(false);
        state.Records.FlushAhead();
        RecordCheckpoint records;
        long address;
        long floor;
        long recordsBegin;
        int pages;
        IReadOnlyList<(NamespaceEntry, NamespaceIndex, IndexCapture)> captures;
        using (await log.EnterCheckpointAsync().ConfigureAwait(false))
        {
            CheckNothingUnfinished();
            await journal.CommitAsync().ConfigureAwait(false);
            address = journal.TailAddress;
            floor = state.Jobs.All.Where(job => !job.IsFinished).Select(job => job.FirstAddress).Append(address).Min();
            recordsBegin = state.Records.BeginAddress;
            captures = indexes.Capture();
            pages = Catalog.Save(state);
            records = await state.Records.CheckpointAsync().ConfigureAwait(false);
            CrashPoints.Pass(CrashPoints.CheckpointRecordsWritten);
        }

        await indexes.SaveAsync(captures).ConfigureAwait(false);
        CrashPoints.Pass(CrashPoints.CheckpointIndexesWritten);
        (long indexLength, byte[] indexHash) = CheckpointManifest.HashIndex(directory, records.Token);
        byte[] checksums = records.Checksums.ToBytes();
        disk.Replace(LogChecksums.FileOf(directory, records.Token), checksums);
        var manifest = new CheckpointManifest(
            (_newest?.Number ?? 0) + 1, records, indexLength, indexHash, SHA256.HashData(checksums), address, floor, recordsBegin, pages);
        manifest.Save(directory, disk);
        return manifest;
    }

    /// <summary>Deletes what a failed checkpoint wrote, the manifest first: it would take room each time.</summary>
    private void RemoveFailed(HashSet<string> before)
    {
        try
        {
            string[] files = [.. Directory.EnumerateFiles(directory).Where(file => !before.Contains(file))];
            foreach (string file in files.OrderByDescending(file => file.EndsWith(CheckpointManifest.Suffix, StringComparison.Ordinal)))
            {
                disk.Delete(file);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next checkpoint that counts does it.
        }
    }

    /// <summary>Carries out what failed commits left: replay begins behind their entries.</summary>
    private async Task FinishChangesAsync()
    {
        foreach (NamespaceEntry entry in state.Namespaces.Where(entry => entry.Unfinished is not null))
        {
            await log.FinishAsync(entry).ConfigureAwait(false);
        }
    }

    private void CheckNothingUnfinished()
    {
        if (state.Jobs.All.FirstOrDefault(job => !job.Status.IsAccepted) is { } job)
        {
            throw new MoorchehException(ErrorCodes.StorageFailed, $"Job '{job.Status.Id}' waits for the journal.");
        }

        foreach (NamespaceEntry entry in state.Namespaces)
        {
            ChangeLog.CheckNotStopped(entry);
            if (entry.Unfinished is not null)
            {
                throw new MoorchehException(ErrorCodes.StorageFailed, $"Namespace '{entry.Name}' waits for the journal.");
            }
        }
    }

    private void RemoveOld()
    {
        foreach (long number in CheckpointManifest.Numbers(directory).Skip(Kept))
        {
            disk.Delete(CheckpointManifest.FileOf(directory, number));
        }

        Guid[] tokens = [_newest!.Records.Token, _older!.Records.Token];
        HashSet<string> kept =
        [
            .. tokens.Select(token => CheckpointManifest.IndexFileOnDisk(directory, token)),
            .. tokens.Select(token => LogChecksums.FileOf(directory, token)),
        ];
        string[] files =
        [
            .. Directory.EnumerateFiles(directory, "*.index.*"),
            .. Directory.EnumerateFiles(directory, "*" + LogChecksums.Suffix),
            .. Directory.EnumerateFiles(directory, "*" + CheckpointManifest.UnusableSuffix),
            .. Directory.EnumerateFiles(directory, "*" + Disk.TemporarySuffix),
        ];
        foreach (string file in files.Where(file => !kept.Contains(file)))
        {
            disk.Delete(file);
        }
    }
}
