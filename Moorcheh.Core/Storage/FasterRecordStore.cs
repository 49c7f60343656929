using System.Buffers;
using FASTER.core;

using Session = FASTER.core.ClientSession<FASTER.core.SpanByte, FASTER.core.SpanByte, FASTER.core.SpanByte, Moorcheh.Storage.RecordCopy, int, Moorcheh.Storage.RecordFunctions>;

namespace Moorcheh.Storage;

/// <summary><see cref="IRecordStore"/> on FasterKV.</summary>
internal sealed class FasterRecordStore : IRecordStore
{
    private const long HashBucketBytes = 64;

    // Recovery fills no more of the memory than this leaves.
    private const int ReservedPages = 2;

    // One change at a time, and compaction goes page by page between them, see RecordCompaction.
    private readonly Lock _changing = new();
    private readonly RecordPins _pins = new();
    private readonly RecordLog _log;
    private readonly RecordReader _reader;
    private readonly RecordCompaction _compaction;

    /// <summary>Opens the store as it was at a verified checkpoint, or empty.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageDamaged"/>: the end of the record log is not what was written.</exception>
    public FasterRecordStore(string logPath, string checkpointDirectory, FasterSettings settings, Disk disk, DiskState state, RecordCheckpoint? checkpoint)
    {
        _log = new RecordLog(logPath, checkpointDirectory, settings, disk, state);
        _reader = new RecordReader(_log);
        _compaction = new RecordCompaction(_log, _changing);
        if (checkpoint is not null)
        {
            try
            {
                RecordRecovery.Recover(_log, checkpoint, (int)(settings.RecordMemoryBytes / FasterSettings.PageBytes) - ReservedPages);
            }
            catch
            {
                Close();
                throw;
            }
        }
    }

    public long LogBytes => _log.Store.Log.TailAddress - _log.Store.Log.BeginAddress;

    public long HashIndexBytes => (_log.Store.IndexSize + _log.Store.OverflowBucketCount) * HashBucketBytes;

    public long UnflushedBytes => _log.Store.Log.TailAddress - _log.Store.Log.SafeReadOnlyAddress;

    public long BeginAddress => _log.Store.Log.BeginAddress;

    public long DamagedReads => _log.Checksums.DamagedReads;

    public unsafe void Upsert(in RecordKey key, ReadOnlySpan<byte> body)
    {
        int length = RecordEnvelope.HeaderBytes + body.Length;
        byte[] rented = ArrayPool<byte>.Shared.Rent(length);
        Session session = _log.Rent();
        try
        {
            byte* keyBytes = stackalloc byte[RecordKey.Bytes];
            var keySpan = new Span<byte>(keyBytes, RecordKey.Bytes);
            key.Write(keySpan);
            Span<byte> enveloped = rented.AsSpan(0, length);
            body.CopyTo(enveloped[RecordEnvelope.HeaderBytes..]);
            RecordEnvelope.WriteHeader(keySpan, enveloped);
            fixed (byte* valueBytes = enveloped)
            {
                SpanByte fasterKey = SpanByte.FromPointer(keyBytes, RecordKey.Bytes);
                SpanByte fasterValue = SpanByte.FromPointer(valueBytes, length);
                lock (_changing)
                {
                    _pins.Forget(key);
                    if (session.Upsert(ref fasterKey, ref fasterValue).IsPending)
                    {
                        session.CompletePending(wait: true);
                    }
                }
            }
        }
        finally
        {
            _log.Return(session);
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    public void Delete(in RecordKey key)
    {
        lock (_changing)
        {
            if (!_pins.TryPostpone(key))
            {
                Remove(key);
            }
        }
    }

    public void Pin(RecordPin pin, in RecordKey first, int count = 1)
    {
        lock (_changing)
        {
            _pins.Add(pin, first, count);
        }
    }

    public void Release(RecordPin pin)
    {
        lock (_changing)
        {
            foreach (RecordKey key in _pins.Release(pin))
            {
                Remove(key);
            }
        }
    }

    public ValueTask<RecordLease> ReadAsync(RecordKey key) => _reader.ReadAsync(key);

    public ValueTask ReadAsync(ReadOnlyMemory<RecordKey> keys, Memory<RecordLease> records) => _reader.ReadAsync(keys, records);

    public void Scan(RecordVisitor visit) => RecordScan.Run(_log, visit);

    public void Compact(long bytes) => _compaction.Compact(bytes);

    public long StartNewPage()
    {
        // What does not fit behind the tail goes to the next page. Two keys, because the second record would take the place of the first; no
        // catalog has pages of these numbers.
        RecordKey[] fillers = [new(RecordKind.CatalogPage, Guid.Empty, long.MaxValue), new(RecordKind.CatalogPage, Guid.Empty, long.MaxValue - 1)];
        byte[] halfPage = new byte[FasterSettings.PageBytes / 2];
        foreach (RecordKey filler in fillers)
        {
            Upsert(filler, halfPage);
        }

        foreach (RecordKey filler in fillers)
        {
            Delete(filler);
        }

        return FasterSettings.PageStart(_log.Store.Log.TailAddress);
    }

    public void ForgetBefore(long address) => _log.Store.Log.ShiftBeginAddress(address, truncateLog: false);

    public void DeleteBefore(long address) => _log.Device.DeleteBefore(address);

    public void FlushAhead()
    {
        _log.Store.Log.Flush(wait: true);
        _log.Device.FlushToDisk();
    }

    public async Task<RecordCheckpoint> CheckpointAsync()
    {
        if (_compaction.UnreadPage is { } unread)
        {
            throw RecordLog.Damaged(
                $"the page at log address {unread}, which could not be read while it was compacted; the store goes on from the last checkpoint when it is opened again");
        }

        // A checkpoint has to be what the journal says; who still reads what was removed meets nothing. Later removals come after the checkpoint.
        lock (_changing)
        {
            foreach (RecordKey key in _pins.ReleaseAll())
            {
                Remove(key);
            }
        }

        (bool started, Guid token) = await _log.Store.TakeFullCheckpointAsync(CheckpointType.FoldOver).ConfigureAwait(false);
        if (!started)
        {
            throw new MoorchehException(ErrorCodes.StorageFailed, "The record store did not start a checkpoint.");
        }

        _log.Device.FlushToDisk();
        long tail = _log.Store.Log.TailAddress;
        if (_log.Store.Log.SafeReadOnlyAddress != tail)
        {
            throw new MoorchehException(
                ErrorCodes.StorageFailed, $"The record log grew from {_log.Store.Log.SafeReadOnlyAddress} to {tail} while it was to hold still for a checkpoint.");
        }

        byte[] prefix = new byte[tail % BlockChecksums.BlockBytes];
        if (prefix.Length > 0)
        {
            byte[] block = new byte[BlockChecksums.BlockBytes];
            if (_log.Device.Read(tail - prefix.Length, block) >= 0)
            {
                throw RecordLog.Damaged($"the block at log address {tail - prefix.Length}, which was just written");
            }

            block.AsSpan(0, prefix.Length).CopyTo(prefix);
        }

        return _log.CheckpointFiles.Taken(token, _log.Checksums.Capture(_log.Store.Log.BeginAddress, tail, prefix));
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    private unsafe void Remove(in RecordKey key)
    {
        Session session = _log.Rent();
        try
        {
            byte* keyBytes = stackalloc byte[RecordKey.Bytes];
            key.Write(new Span<byte>(keyBytes, RecordKey.Bytes));
            SpanByte fasterKey = SpanByte.FromPointer(keyBytes, RecordKey.Bytes);
            if (session.Delete(ref fasterKey).IsPending)
            {
                session.CompletePending(wait: true);
            }
        }
        finally
        {
            _log.Return(session);
        }
    }

    private void Close()
    {
        lock (_changing)
        {
            _pins.ReleaseAll(); // What still waits to be removed is in the journal.
        }

        _log.Dispose();
    }
}
