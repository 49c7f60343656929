using System.Diagnostics;
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

    private const int ReserveBytes = 1 << 20;
    private const int NoSpace = 28; // ENOSPC
    private const int QuotaExceeded = 122; // EDQUOT
    private const int WindowsDiskFull = 112; // ERROR_DISK_FULL

    // A caller hears of a full disk within two seconds.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(1200);

    private readonly Disk _disk;
    private readonly string _root;
    private readonly string _reservePath;
    private readonly long _minFreeBytes;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private volatile Exception? _failure;
    private volatile FlushException? _failedFlush;
    private long _failingSince;
    private bool _hasReserve;
    private int _retries;
    private volatile bool _isClosing;
    private bool _isFreeUnknown;

    public DiskState(string root, Disk disk, long minFreeBytes, ILogger logger)
    {
        _disk = disk;
        _root = root;
        _reservePath = Path.Combine(root, "reserve");
        _minFreeBytes = minFreeBytes;
        _logger = logger;
        _hasReserve = File.Exists(_reservePath);
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
            lock (_lock)
            {
                if (_failure is not null)
                {
                    return $"Writing to '{_root}' fails: {_failure.Message}";
                }

                if (_failedFlush is not null)
                {
                    return $"What was written to '{_root}' may not be on disk until a checkpoint has written it anew: {_failedFlush.Message}";
                }
            }

            return FreeBytes is { } free && free < _minFreeBytes ? $"{free} bytes are free in '{_root}'; {_minFreeBytes} are kept free." : null;
        }
    }

    /// <summary>
    /// Bytes that are free on the volume; null when the system does not tell. Unknown is not full: writes go on, and fail by themselves when there is no room.
    /// </summary>
    public long? FreeBytes
    {
        get
        {
            try
            {
                long free = _disk.FreeBytes(_root);
                Volatile.Write(ref _isFreeUnknown, false);
                return free;
            }
            catch (Exception e)
            {
                if (!Interlocked.Exchange(ref _isFreeUnknown, true))
                {
                    _logger.FreeSpaceUnknown(_root, e);
                }

                return null;
            }
        }
    }

    /// <summary>Notes that a write failed, and gives up the reserve so that it may succeed.</summary>
    public void Failed(Exception failure)
    {
        lock (_lock)
        {
            if (_failure is null)
            {
                _failingSince = Stopwatch.GetTimestamp();
                _logger.WriteFailed(_root, failure);
            }

            _failure = failure;
            ReleaseReserve();
        }
    }

    /// <summary>Tries a failed write again after a pause.</summary>
    public void Retry(Action write)
    {
        Interlocked.Increment(ref _retries);
        _ = RetryAsync(write);
    }

    /// <summary>Completes when no failed write waits to be tried again; once <see cref="BeginClosing"/> was called that is soon.</summary>
    public async Task DrainAsync()
    {
        while (Volatile.Read(ref _retries) > 0)
        {
            await Task.Delay(RetryPause).ConfigureAwait(false);
        }
    }

    /// <summary>Notes that a write that had failed succeeded.</summary>
    public void Recovered()
    {
        lock (_lock)
        {
            if (_failure is not null)
            {
                _failure = null;
                _logger.WritesRecovered(_root);
            }
        }
    }

    /// <summary>True after a flush that failed, until a checkpoint has been taken.</summary>
    public bool NeedsCheckpoint => _failedFlush is not null;

    /// <summary>Notes that a flush failed, so that it is not known what of the store is on disk beside the journal and the last checkpoint.</summary>
    public void FlushFailed(FlushException failure)
    {
        lock (_lock)
        {
            if (_failedFlush is null)
            {
                _logger.FlushFailed(_root, failure);
            }

            _failedFlush = failure;
        }
    }

    /// <summary>Notes that a checkpoint counts: all of the store was written anew where need be, and flushed.</summary>
    public void CheckpointTaken()
    {
        lock (_lock)
        {
            if (_failedFlush is not null)
            {
                _failedFlush = null;
                _logger.FlushesRecovered(_root);
            }
        }
    }

    /// <summary>Says that a part of the record log is not as it was written, or cannot be read.</summary>
    public void Damaged(string path, long address, Exception? cause) => _logger.BlockDamaged(path, address, cause);

    /// <summary>From now on failed writes fail for good: the store is closing.</summary>
    public void BeginClosing() => _isClosing = true;

    /// <summary>Throws unless there is room for something new.</summary>
    /// <param name="bytes">What will be written for it.</param>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageFull"/>, <see cref="ErrorCodes.JournalFull"/> or <see cref="ErrorCodes.StorageReadOnly"/>.</exception>
    public void RequireRoom(long bytes)
    {
        RequireWrites(_failure ?? _failedFlush, "nothing was stored");
        RequireJournalRoom?.Invoke();
        RequireRoomForAccepted(bytes);
    }

    /// <summary>As <see cref="RequireRoom"/> for work that was accepted: it may be what the journal is kept for, so a full journal does not hold it up.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageFull"/> or <see cref="ErrorCodes.StorageReadOnly"/>.</exception>
    public void RequireRoomForAccepted(long bytes)
    {
        RequireWrites(_failure ?? _failedFlush, "nothing was stored");
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
        RequireWrites(_failure, "no checkpoint is taken");
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

            await Task.Delay(RetryPause).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for a change, but not for a disk that takes no writes: then the change goes on without the caller once it has begun.</summary>
    /// <param name="change">The change, under way.</param>
    /// <param name="ticket">Tells whether it has begun; null for what changes nothing that a caller would ask for.</param>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.StorageFull"/> or <see cref="ErrorCodes.StorageReadOnly"/>: nothing was done, and nothing will be;
    /// <see cref="ErrorCodes.OutcomeUnknown"/>.
    /// </exception>
    public async Task<T> WaitAsync<T>(Task<T> change, ChangeTicket? ticket)
    {
        while (!change.IsCompleted)
        {
            if (await Task.WhenAny(change, Task.Delay(RetryPause)).ConfigureAwait(false) != change && IsFailing(out MoorchehException? refusal) && refusal is not null)
            {
                throw ticket?.TryGiveUp() == false ? ticket.Unknown($"writing fails: {refusal.InnerException!.Message}", refusal) : refusal;
            }
        }

        try
        {
            return await change.ConfigureAwait(false);
        }
        catch (Exception e) when (ticket?.IsBegun == true)
        {
            throw ticket.Unknown(_isClosing ? "the store is closing" : e.Message, e);
        }
    }

    /// <summary>Takes the reserve, or takes it again, when there is plenty of room.</summary>
    public void KeepReserve()
    {
        lock (_lock)
        {
            if (_hasReserve || _failure is not null || FreeBytes is not { } free || free < _minFreeBytes + (2 * ReserveBytes))
            {
                return;
            }

            try
            {
                using DiskFile file = _disk.Open(_reservePath, FileMode.Create, FileShare.None, writeThrough: false);
                _disk.Write(file, new byte[ReserveBytes], 0);
                _hasReserve = true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _disk.Delete(_reservePath);
            }
        }
    }

    /// <summary>Does something small that an opening needs, with the help of the reserve where the disk is full.</summary>
    public void Insist(Action write)
    {
        try
        {
            write();
        }
        catch (IOException e) when (_hasReserve && e is not FlushException)
        {
            ReleaseReserve();
            write();
        }
    }

    /// <summary>True while writes fail; with what a caller is told, once that has lasted.</summary>
    private bool IsFailing(out MoorchehException? refusal)
    {
        lock (_lock)
        {
            refusal = _failure is not null && Stopwatch.GetElapsedTime(_failingSince) >= Patience ? Refusal(_failure, "nothing was stored") : null;
            return _failure is not null;
        }
    }

    private void RequireWrites(Exception? failure, string consequence)
    {
        if (failure is not null)
        {
            throw Refusal(failure, consequence);
        }
    }

    private async Task RetryAsync(Action write)
    {
        await Task.Delay(RetryPause).ConfigureAwait(false);
        try
        {
            write();
        }
        finally
        {
            Interlocked.Decrement(ref _retries);
        }
    }

    private void ReleaseReserve()
    {
        if (_hasReserve)
        {
            _hasReserve = false;
            try
            {
                _disk.Delete(_reservePath);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Whoever calls has a write that failed, and must go on to try it again.
            }
        }
    }

    private static MoorchehException Refusal(Exception failure, string consequence) =>
        (failure.HResult & 0xFFFF) is NoSpace or QuotaExceeded or WindowsDiskFull
            ? new(ErrorCodes.StorageFull, $"Storage is full; {consequence}.", failure)
            : new(ErrorCodes.StorageReadOnly, $"The store is read-only because its disk fails; {consequence}.", failure);
}
