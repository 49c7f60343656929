using Microsoft.Extensions.Logging;
using Moorcheh.Diagnostics;

namespace Moorcheh.Storage;

/// <summary>
/// Whether a store can write. Requests that store something are refused while less than <see cref="StorageOptions.MinFreeBytes"/> would be
/// left, so that deletes and checkpoints still have room. A write that fails all the same is tried again until it succeeds or the store
/// is closed; whoever waits for it is told after a moment. After a flush that failed nothing new is stored until a checkpoint has written anew all that
/// was not known to be safe. A small file is kept in reserve and given up when a write fails. Safe for use from several threads.
/// </summary>
internal sealed class DiskState
{
    /// <summary>Pause before a failed write is tried again.</summary>
    public static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    private const int NoSpace = 28; // ENOSPC
    private const int QuotaExceeded = 122; // EDQUOT
    private const int WindowsDiskFull = 112; // ERROR_DISK_FULL

    private readonly string _root;
    private readonly long _minFreeBytes;
    private readonly ILogger _logger;
    private readonly FreeSpace _free;
    private readonly DiskReserve _reserve;
    private readonly FailedWrites _writes;
    private readonly FailedFlushes _flushes;
    private volatile bool _isClosing;

    public DiskState(string root, Disk disk, long minFreeBytes, ILogger logger)
    {
        _root = root;
        _minFreeBytes = minFreeBytes;
        _logger = logger;
        _free = new FreeSpace(root, disk, logger);
        _reserve = new DiskReserve(root, disk);
        _writes = new FailedWrites(root, logger);
        _flushes = new FailedFlushes(root, logger);
    }

    /// <summary>Throws when the journal is as long as it may get. Null until the store is open.</summary>
    public Action? RequireJournalRoom { get; set; }

    /// <summary>True when failed writes are not tried again.</summary>
    public bool IsClosing => _isClosing;

    /// <summary>Why nothing can be stored at the moment; null when all is well.</summary>
    public string? ReadOnlyReason
    {
        get
        {
            if (_writes.Failure is { } failure)
            {
                return $"Writing to '{_root}' fails: {failure.Message}";
            }

            if (_flushes.Failure is { } failedFlush)
            {
                return $"What was written to '{_root}' may not be on disk until a checkpoint has written it anew: {failedFlush.Message}";
            }

            return FreeBytes is { } free && free < _minFreeBytes ? $"{free} bytes are free in '{_root}'; {_minFreeBytes} are kept free." : null;
        }
    }

    /// <summary>Bytes that are free on the volume; null when the system does not tell, see <see cref="FreeSpace.Bytes"/>.</summary>
    public long? FreeBytes => _free.Bytes;

    /// <summary>Notes that a write failed, and gives up the reserve so that it may succeed.</summary>
    public void Failed(Exception failure)
    {
        _writes.Failed(failure);
        _reserve.Release();
    }

    /// <summary>Tries a failed write again after a pause.</summary>
    public void Retry(Action write) => _writes.Retry(write);

    /// <summary>Completes when no failed write waits to be tried again; once <see cref="BeginClosing"/> was called that is soon.</summary>
    public Task DrainAsync() => _writes.DrainAsync();

    /// <summary>Notes that a write that had failed succeeded.</summary>
    public void Recovered() => _writes.Recovered();

    /// <summary>True after a flush that failed, until a checkpoint has been taken.</summary>
    public bool NeedsCheckpoint => _flushes.Failure is not null;

    /// <summary>Notes that a flush failed, so that it is not known what of the store is on disk beside the journal and the last checkpoint.</summary>
    public void FlushFailed(FlushException failure) => _flushes.Failed(failure);

    /// <summary>Notes that a checkpoint counts: all of the store was written anew where need be, and flushed.</summary>
    public void CheckpointTaken() => _flushes.Recovered();

    /// <summary>Says that a part of the record log is not as it was written, or cannot be read.</summary>
    public void Damaged(string path, long address, Exception? cause) => _logger.BlockDamaged(path, address, cause);

    /// <summary>From now on failed writes fail for good: the store is closing.</summary>
    public void BeginClosing() => _isClosing = true;

    /// <summary>Throws unless there is room for something new.</summary>
    /// <param name="bytes">What will be written for it.</param>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageFull"/>, <see cref="ErrorCodes.JournalFull"/> or <see cref="ErrorCodes.StorageReadOnly"/>.</exception>
    public void RequireRoom(long bytes)
    {
        RequireWrites(_writes.Failure ?? _flushes.Failure, "nothing was stored");
        RequireJournalRoom?.Invoke();
        RequireRoomForAccepted(bytes);
    }

    /// <summary>As <see cref="RequireRoom"/> for work that was accepted: it may be what the journal is kept for, so a full journal does not hold it up.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageFull"/> or <see cref="ErrorCodes.StorageReadOnly"/>.</exception>
    public void RequireRoomForAccepted(long bytes)
    {
        RequireWrites(_writes.Failure ?? _flushes.Failure, "nothing was stored");
        if (FreeBytes is { } free && free - bytes < _minFreeBytes)
        {
            throw new MoorchehException(ErrorCodes.StorageFull, "Storage is full; nothing was stored.")
            {
                Facts = new Dictionary<string, object> { ["FreeBytes"] = free, ["NeededBytes"] = bytes, ["MinFreeBytes"] = _minFreeBytes },
            };
        }
    }

    /// <summary>Throws when a checkpoint of this size would not fit: begun without room it would hold up every change.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageFull"/>.</exception>
    public void RequireCheckpointRoom(long bytes)
    {
        RequireWrites(_writes.Failure, "no checkpoint is taken");
        if (FreeBytes is { } free && free < bytes)
        {
            throw new MoorchehException(ErrorCodes.StorageFull, $"A checkpoint needs {bytes} bytes; {free} are free.");
        }
    }

    /// <summary>
    /// Waits a moment while writes fail. What would only be appended is then refused before that, while nothing of it can reach the disk later.
    /// </summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageFull"/> or <see cref="ErrorCodes.StorageReadOnly"/>.</exception>
    public async Task WaitForWritesAsync()
    {
        while (IsFailing(out MoorchehException? refusal))
        {
            if (refusal is not null)
            {
                throw refusal;
            }

            await Task.Delay(RetryPause, TimeProvider.System).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for a change, but not for a disk that takes no writes: then the change goes on without the caller once it has begun.</summary>
    /// <param name="change">The change, under way.</param>
    /// <param name="ticket">Tells whether it has begun.</param>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.StorageFull"/> or <see cref="ErrorCodes.StorageReadOnly"/>: nothing was done, and nothing will be;
    /// <see cref="ErrorCodes.OutcomeUnknown"/>.
    /// </exception>
    public async Task<T> WaitAsync<T>(Task<T> change, ChangeTicket ticket)
    {
        while (!change.IsCompleted)
        {
            if (await Task.WhenAny(change, Task.Delay(RetryPause, TimeProvider.System)).ConfigureAwait(false) != change
                && IsFailing(out MoorchehException? refusal) && refusal is not null)
            {
                throw ticket.TryGiveUp() ? refusal : ticket.Unknown($"writing fails: {refusal.InnerException!.Message}", refusal);
            }
        }

        try
        {
            return await change.ConfigureAwait(false);
        }
        catch (Exception e) when (ticket.IsBegun)
        {
            throw ticket.Unknown(_isClosing ? "the store is closing" : e.Message, e);
        }
    }

    /// <summary>Takes the reserve, or takes it again, when there is plenty of room.</summary>
    public void KeepReserve() =>
        _reserve.Take(() => _writes.Failure is null && FreeBytes is { } free && free >= _minFreeBytes + (2 * DiskReserve.Bytes));

    /// <summary>Does something small that an opening needs, with the help of the reserve where the disk is full.</summary>
    public void Insist(Action write)
    {
        try
        {
            write();
        }
        catch (IOException e) when (_reserve.IsTaken && e is not FlushException)
        {
            _reserve.Release();
            write();
        }
    }

    /// <summary>True while writes fail; with what a caller is told, once that has lasted.</summary>
    private bool IsFailing(out MoorchehException? refusal)
    {
        bool isFailing = _writes.IsFailing(out Exception? lasting);
        refusal = lasting is null ? null : Refusal(lasting, "nothing was stored");
        return isFailing;
    }

    private static void RequireWrites(Exception? failure, string consequence)
    {
        if (failure is not null)
        {
            throw Refusal(failure, consequence);
        }
    }

    private static MoorchehException Refusal(Exception failure, string consequence) =>
        (failure.HResult & 0xFFFF) is NoSpace or QuotaExceeded or WindowsDiskFull
            ? new(ErrorCodes.StorageFull, $"Storage is full; {consequence}.", failure)
            : new(ErrorCodes.StorageReadOnly, $"The store is read-only because its disk fails; {consequence}.", failure);
}
