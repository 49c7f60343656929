using System.Buffers;
using System.Collections.Concurrent;
using FASTER.core;

using Session = FASTER.core.ClientSession<FASTER.core.SpanByte, FASTER.core.SpanByte, FASTER.core.SpanByte, Moorcheh.Storage.RecordCopy, int, Moorcheh.Storage.RecordFunctions>;

namespace Moorcheh.Storage;

/// <summary><see cref="IRecordStore"/> on FasterKV.</summary>
internal sealed class FasterRecordStore : IRecordStore
{
    private const long HashBucketBytes = 64;

    // Recovery fills no more of the memory than this leaves.
    private const int ReservedPages = 2;
    private const int DamagedAttempts = 3;

    // One change at a time, and compaction goes page by page between them. Of two operations on one record FASTER takes the later one back and notes
    // the size of what that had allocated in place of its key's length: nobody gets through such a page any more.
    private readonly Lock _changing = new();
    private readonly RecordPins _pins = new();
    private readonly BlockChecksums _checksums = new();
    private readonly FileDevice _device;
    private readonly CheckpointFiles _checkpoints;
    private readonly FasterKVSettings<SpanByte, SpanByte> _settings;
    private readonly FasterKV<SpanByte, SpanByte> _store;
    private readonly ConcurrentBag<Session> _sessions = [];
    private long? _unreadPage;

    /// <summary>Opens the store as it was at a verified checkpoint, or empty.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageDamaged"/>: the end of the record log is not what was written.</exception>
    public FasterRecordStore(string logPath, string checkpointDirectory, FasterSettings settings, Disk disk, DiskState state, RecordCheckpoint? checkpoint)
    {
        _device = new FileDevice(logPath, disk, state, writeThrough: false, checksums: _checksums);
        _checkpoints = new CheckpointFiles(checkpointDirectory, disk, state);
        _settings = settings.Records(_device, _checkpoints);
        _store = new FasterKV<SpanByte, SpanByte>(_settings);
        if (checkpoint is not null)
        {
            try
            {
                Recover(checkpoint, (int)(settings.RecordMemoryBytes / FasterSettings.PageBytes) - ReservedPages);
            }
            catch
            {
                Close();
                throw;
            }
        }
    }

    public long LogBytes => _store.Log.TailAddress - _store.Log.BeginAddress;

    public long HashIndexBytes => (_store.IndexSize + _store.OverflowBucketCount) * HashBucketBytes;

    public long UnflushedBytes => _store.Log.TailAddress - _store.Log.SafeReadOnlyAddress;

    public long BeginAddress => _store.Log.BeginAddress;

    public long DamagedReads => _checksums.DamagedReads;

    private long FirstPage => FasterSettings.PageStart(_store.Log.BeginAddress);

    public unsafe void Upsert(in RecordKey key, ReadOnlySpan<byte> body)
    {
        int length = RecordEnvelope.HeaderBytes + body.Length;
        byte[] rented = ArrayPool<byte>.Shared.Rent(length);
        Session session = RentSession();
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
            _sessions.Add(session);
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

    private unsafe void Remove(in RecordKey key)
    {
        Session session = RentSession();
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
            _sessions.Add(session);
        }
    }

    public async ValueTask<RecordLease> ReadAsync(RecordKey key)
    {
        // A read that took the address a record had before compaction moved it does not find it: it is begun anew.
        for (int attempt = 1; ; attempt++)
        {
            ReadMoment before = Now();
            Session session = RentSession();
            try
            {
                (Status status, RecordCopy copy) = (await StartRead(session, key).ConfigureAwait(false)).Complete();
                if (status.Found)
                {
                    return Open(key, copy);
                }
            }
            finally
            {
                _sessions.Add(session);
            }

            ReadMoment after = Now();
            if (before == after)
            {
                return default;
            }

            // A damaged block of another read is no reason to refuse this one; its own is met each time.
            if (attempt >= DamagedAttempts && before.DamagedReads != after.DamagedReads)
            {
                throw Damaged($"a block of the log that was read for record {key}");
            }
        }
    }

    public ValueTask ReadAsync(ReadOnlyMemory<RecordKey> keys, Memory<RecordLease> records)
    {
        ReadMoment before = Now();
        Session session = RentSession();
        if (StartReads(session, keys.Span, records.Span))
        {
            return FinishReadsAsync(session, keys, records, before);
        }

        _sessions.Add(session);
        Verify(keys.Span, records.Span);
        return before == Now() ? default : ReadAgainAsync(keys, records);
    }

    public void Scan(RecordVisitor visit)
    {
        long damaged = _checksums.DamagedReads;
        for (long page = FirstPage; page < _store.Log.HeadAddress; page += FasterSettings.PageBytes)
        {
            if (FindFaultOnDisk(page) is { } fault)
            {
                throw Damaged(fault); // FASTER would step over the page's records.
            }
        }

        using IFasterScanIterator<SpanByte, SpanByte> iterator = _store.Log.Scan(_store.Log.BeginAddress, _store.Log.TailAddress);
        while (iterator.GetNext(out RecordInfo info))
        {
            ReadOnlySpan<byte> keyBytes = iterator.GetKey().AsReadOnlySpan();
            if (keyBytes.Length != RecordKey.Bytes)
            {
                throw Damaged($"a key of {keyBytes.Length} bytes at log address {iterator.CurrentAddress}");
            }

            RecordKey key = RecordKey.Read(keyBytes);
            if (info.Tombstone)
            {
                visit(key, default, deleted: true);
            }
            else if (RecordEnvelope.TryOpen(keyBytes, iterator.GetValue().AsReadOnlySpan(), out ReadOnlySpan<byte> body))
            {
                visit(key, body, deleted: false);
            }
            else
            {
                throw Damaged($"record {key}");
            }
        }

        if (damaged != _checksums.DamagedReads)
        {
            throw Damaged($"a block of the log between addresses {_store.Log.BeginAddress} and {_store.Log.TailAddress}");
        }
    }

    public void Compact(long bytes)
    {
        // A page's end, which no record spans: FASTER's scan reads no further than it is told, and would copy the front of a record only.
        long until = FasterSettings.PageStart(Math.Min(_store.Log.BeginAddress + bytes, _store.Log.SafeReadOnlyAddress));
        for (long page = FirstPage; page < until; page += FasterSettings.PageBytes)
        {
            lock (_changing)
            {
                if (!TryCompact(page))
                {
                    return;
                }
            }
        }
    }

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

        return FasterSettings.PageStart(_store.Log.TailAddress);
    }

    public void ForgetBefore(long address) => _store.Log.ShiftBeginAddress(address, truncateLog: false);

    public void DeleteBefore(long address) => _device.DeleteBefore(address);

    public void FlushAhead()
    {
        _store.Log.Flush(wait: true);
        _device.FlushToDisk();
    }

    public async Task<RecordCheckpoint> CheckpointAsync()
    {
        if (_unreadPage is { } unread)
        {
            throw Damaged($"the page at log address {unread}, which could not be read while it was compacted; the store goes on from the last checkpoint when it is opened again");
        }

        // A checkpoint has to be what the journal says; who still reads what was removed meets nothing. Later removals come after the checkpoint.
        lock (_changing)
        {
            foreach (RecordKey key in _pins.ReleaseAll())
            {
                Remove(key);
            }
        }

        (bool started, Guid token) = await _store.TakeFullCheckpointAsync(CheckpointType.FoldOver).ConfigureAwait(false);
        if (!started)
        {
            throw new MoorchehException(ErrorCodes.StorageFailed, "The record store did not start a checkpoint.");
        }

        _device.FlushToDisk();
        long tail = _store.Log.TailAddress;
        if (_store.Log.SafeReadOnlyAddress != tail)
        {
            throw new MoorchehException(
                ErrorCodes.StorageFailed, $"The record log grew from {_store.Log.SafeReadOnlyAddress} to {tail} while it was to hold still for a checkpoint.");
        }

        byte[] prefix = new byte[tail % BlockChecksums.BlockBytes];
        if (prefix.Length > 0)
        {
            byte[] block = new byte[BlockChecksums.BlockBytes];
            if (_device.Read(tail - prefix.Length, block) >= 0)
            {
                throw Damaged($"the block at log address {tail - prefix.Length}, which was just written");
            }

            block.AsSpan(0, prefix.Length).CopyTo(prefix);
        }

        return _checkpoints.Taken(token, _checksums.Capture(_store.Log.BeginAddress, tail, prefix));
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// FASTER reads the end of the log into memory and trusts it, so that is compared first: of the pages before the tail's as many are
    /// loaded as are sound one after another, the others stay on disk. Without the tail's page there is no store.
    /// </summary>
    private void Recover(RecordCheckpoint checkpoint, int memoryPages)
    {
        LogChecksums checksums = checkpoint.Checksums;
        _checksums.Restore(checksums);
        byte[] prefix = new byte[checksums.Tail % BlockChecksums.BlockBytes];
        _device.ReadUnchecked(checksums.Tail - prefix.Length, prefix);
        if (!_checksums.RestoreTail(checksums, prefix))
        {
            throw Damaged($"the block at log address {checksums.Tail - prefix.Length}, the last of the checkpoint");
        }

        long tailPage = checksums.LastPage;
        if (FindFault(tailPage, checksums.Tail) is { } fault)
        {
            throw Damaged($"{fault}, in the last page");
        }

        int pages = 0;
        for (long page = tailPage - FasterSettings.PageBytes; pages < memoryPages && page >= checksums.Begin; page -= FasterSettings.PageBytes)
        {
            if (FindFault(page, page + FasterSettings.PageBytes) is not null)
            {
                break;
            }

            pages++;
        }

        long damagedReads = _checksums.DamagedReads;
        _checkpoints.Prepare(checkpoint);
        try
        {
            _store.Recover(checkpoint.Token, checkpoint.Token, numPagesToPreload: pages);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw Damaged($"FASTER cannot recover checkpoint {checkpoint.Token:N} ({e.Message})", e);
        }

        if (damagedReads != _checksums.DamagedReads)
        {
            throw Damaged($"a block of the last {pages + 1} pages, which had been sound a moment before");
        }
    }

    /// <summary>Moves the live records of the log's first page to its end, and begins the log with the next one. Call with the lock.</summary>
    /// <returns>False when the page cannot be read: compaction would take its records for dead.</returns>
    private bool TryCompact(long page)
    {
        // Look-ups through a damaged block find no newer record.
        long damagedReads = _checksums.DamagedReads;
        if (damagedReads > 0 || FindFaultOnDisk(page) is not null)
        {
            return false;
        }

        // By look-up: the other way builds a second store with FASTER's default memory of 16 GiB.
        long until = page + FasterSettings.PageBytes;
        _store.Log.Compact<SpanByte, SpanByteAndMemory, Empty, SpanByteFunctions<Empty>>(
            new SpanByteFunctions<Empty>(), until, CompactionType.Lookup);

        // FASTER stops behind the last record. The log begins with a page, or its first page would be half of one.
        _store.Log.ShiftBeginAddress(until, truncateLog: false);
        if (damagedReads != _checksums.DamagedReads)
        {
            _unreadPage = page; // It was sound a moment before. No checkpoint is taken any more, so nothing is lost.
            return false;
        }

        return true;
    }

    /// <summary>Looks at what of a page FASTER would read from disk.</summary>
    private string? FindFaultOnDisk(long page)
    {
        long until = Math.Min(page + FasterSettings.PageBytes, _store.Log.HeadAddress);
        return until > page ? FindFault(page, until) : null;
    }

    /// <summary>Looks at a page as FASTER will when it loads it.</summary>
    /// <returns>What is wrong with it, for messages; null when all is well.</returns>
    private string? FindFault(long page, long until)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FasterSettings.PageBytes);
        try
        {
            int length = (int)(until - page);
            int read = (length + BlockChecksums.BlockBytes - 1) / BlockChecksums.BlockBytes * BlockChecksums.BlockBytes;
            Span<byte> bytes = buffer.AsSpan(0, FasterSettings.PageBytes);
            bytes[read..].Clear();
            return _device.Read(page, bytes[..read]) is >= 0 and var damaged ? $"the block at log address {page + damaged}"
                : !RecordPage.IsWalkable(bytes) ? $"the page at log address {page}, whose records do not follow one another"
                : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Close()
    {
        lock (_changing)
        {
            _pins.ReleaseAll(); // What still waits to be removed is in the journal.
        }

        while (_sessions.TryTake(out Session? session))
        {
            session.Dispose();
        }

        _store.Dispose();
        _settings.Dispose();
        _device.Dispose();
        _checkpoints.Dispose();
    }

    private static unsafe ValueTask<FasterKV<SpanByte, SpanByte>.ReadAsyncResult<SpanByte, RecordCopy, int>> StartRead(
        Session session, RecordKey key)
    {
        byte* keyBytes = stackalloc byte[RecordKey.Bytes];
        key.Write(new Span<byte>(keyBytes, RecordKey.Bytes));
        SpanByte fasterKey = SpanByte.FromPointer(keyBytes, RecordKey.Bytes);
        SpanByte input = default;
        return session.ReadAsync(ref fasterKey, ref input);
    }

    /// <summary>Copies the records in memory, unverified, and begins to read the others.</summary>
    /// <returns>True when some come from disk.</returns>
    private static unsafe bool StartReads(Session session, ReadOnlySpan<RecordKey> keys, Span<RecordLease> records)
    {
        bool anyPending = false;
        byte* keyBytes = stackalloc byte[RecordKey.Bytes];
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i].Write(new Span<byte>(keyBytes, RecordKey.Bytes));
            SpanByte fasterKey = SpanByte.FromPointer(keyBytes, RecordKey.Bytes);
            SpanByte input = default;
            RecordCopy copy = default;
            Status status = session.Read(ref fasterKey, ref input, ref copy, i);
            anyPending |= status.IsPending;
            records[i] = status.Found ? new RecordLease(copy.Bytes!, 0, copy.Length) : default;
        }

        return anyPending;
    }

    private async ValueTask FinishReadsAsync(Session session, ReadOnlyMemory<RecordKey> keys, Memory<RecordLease> records, ReadMoment before)
    {
        try
        {
            using CompletedOutputIterator<SpanByte, SpanByte, SpanByte, RecordCopy, int> completed =
                await session.CompletePendingWithOutputsAsync().ConfigureAwait(false);
            while (completed.Next())
            {
                ref CompletedOutput<SpanByte, SpanByte, SpanByte, RecordCopy, int> read = ref completed.Current;
                records.Span[read.Context] = read.Status.Found ? new RecordLease(read.Output.Bytes!, 0, read.Output.Length) : default;
            }
        }
        finally
        {
            _sessions.Add(session);
        }

        Verify(keys.Span, records.Span);
        if (before != Now())
        {
            await ReadAgainAsync(keys, records).ConfigureAwait(false);
        }
    }

    /// <summary>Reads those that were not found one by one.</summary>
    private async ValueTask ReadAgainAsync(ReadOnlyMemory<RecordKey> keys, Memory<RecordLease> records)
    {
        try
        {
            for (int i = 0; i < keys.Length; i++)
            {
                if (!records.Span[i].IsFound)
                {
                    RecordLease again = await ReadAsync(keys.Span[i]).ConfigureAwait(false);
                    records.Span[i] = again;
                }
            }
        }
        catch
        {
            Drop(records.Span[..keys.Length]);
            throw;
        }
    }

    private static void Drop(Span<RecordLease> records)
    {
        foreach (RecordLease record in records)
        {
            record.Dispose();
        }

        records.Clear();
    }

    /// <summary>Checks the copied records and leaves their bodies; when one is damaged, none.</summary>
    private static void Verify(ReadOnlySpan<RecordKey> keys, Span<RecordLease> records)
    {
        Span<byte> keyBytes = stackalloc byte[RecordKey.Bytes];
        for (int i = 0; i < keys.Length; i++)
        {
            if (!records[i].IsFound)
            {
                continue;
            }

            keys[i].Write(keyBytes);
            if (!RecordEnvelope.TryOpen(keyBytes, records[i].Body, out ReadOnlySpan<byte> body))
            {
                Drop(records[..keys.Length]);
                throw Damaged($"record {keys[i]}");
            }

            records[i] = records[i].Slice(RecordEnvelope.HeaderBytes, body.Length);
        }
    }

    private static RecordLease Open(RecordKey key, RecordCopy copy)
    {
        Span<RecordLease> record = [new RecordLease(copy.Bytes!, 0, copy.Length)];
        Verify([key], record);
        return record[0];
    }

    private static MoorchehException Damaged(string where, Exception? cause = null) =>
        new(ErrorCodes.StorageDamaged, $"The record store is damaged: {where}.", cause)
        {
            Facts = new Dictionary<string, object> { ["Where"] = where },
        };

    private ReadMoment Now() => new(_store.Log.BeginAddress, _checksums.DamagedReads);

    private Session RentSession() =>
        _sessions.TryTake(out Session? session)
            ? session
            : _store.For(new RecordFunctions()).NewSession<RecordFunctions>();

    /// <summary>
    /// When one of these moves during a read that finds nothing, the record may be there: compaction moved it from the address that was being
    /// read, or the way to it led through a damaged block.
    /// </summary>
    private readonly record struct ReadMoment(long BeginAddress, long DamagedReads);
}
