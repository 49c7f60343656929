using System.Buffers;
using System.Collections.Concurrent;
using FASTER.core;

using Session = FASTER.core.ClientSession<FASTER.core.SpanByte, FASTER.core.SpanByte, FASTER.core.SpanByte, Moorcheh.Storage.RecordCopy, int, Moorcheh.Storage.RecordFunctions>;

namespace Moorcheh.Storage;

/// <summary><see cref="IRecordStore"/> on FasterKV.</summary>
internal sealed class FasterRecordStore : IRecordStore
{
    private const long HashBucketBytes = 64;

    private readonly FileDevice _device;
    private readonly CheckpointFiles _checkpoints;
    private readonly FasterKVSettings<SpanByte, SpanByte> _settings;
    private readonly FasterKV<SpanByte, SpanByte> _store;
    private readonly ConcurrentBag<Session> _sessions = [];

    /// <summary>Opens the store as it was at a verified checkpoint, or empty.</summary>
    public FasterRecordStore(string logPath, string checkpointDirectory, FasterSettings settings, Disk disk, DiskState state, RecordCheckpoint? checkpoint)
    {
        _device = new FileDevice(logPath, disk, state, writeThrough: false);
        _checkpoints = new CheckpointFiles(checkpointDirectory, disk, state);
        _settings = settings.Records(_device, _checkpoints);
        _store = new FasterKV<SpanByte, SpanByte>(_settings);
        if (checkpoint is not null)
        {
            _checkpoints.Prepare(checkpoint);
            _store.Recover(checkpoint.Token, checkpoint.Token);
        }
    }

    public long LogBytes => _store.Log.TailAddress - _store.Log.BeginAddress;

    public long HashIndexBytes => (_store.IndexSize + _store.OverflowBucketCount) * HashBucketBytes;

    public long UnflushedBytes => _store.Log.TailAddress - _store.Log.SafeReadOnlyAddress;

    public long BeginAddress => _store.Log.BeginAddress;

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
                if (session.Upsert(ref fasterKey, ref fasterValue).IsPending)
                {
                    session.CompletePending(wait: true);
                }
            }
        }
        finally
        {
            _sessions.Add(session);
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    public unsafe void Delete(in RecordKey key)
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
        while (true)
        {
            long begin = BeginAddress;
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

            if (BeginAddress == begin)
            {
                return default;
            }
        }
    }

    public ValueTask ReadAsync(ReadOnlyMemory<RecordKey> keys, Memory<RecordLease> records)
    {
        long begin = BeginAddress;
        Session session = RentSession();
        if (StartReads(session, keys.Span, records.Span))
        {
            return FinishReadsAsync(session, keys, records, begin);
        }

        _sessions.Add(session);
        Verify(keys.Span, records.Span);
        return BeginAddress == begin ? default : ReadAgainAsync(keys, records);
    }

    public void Scan(RecordVisitor visit)
    {
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
    }

    public void Compact(long bytes)
    {
        // A page's end, which no record spans: FASTER's scan reads no further than it is told, and would copy the front of a record only.
        long until = Math.Min(_store.Log.BeginAddress + bytes, _store.Log.SafeReadOnlyAddress) / FasterSettings.PageBytes * FasterSettings.PageBytes;
        if (until > _store.Log.BeginAddress)
        {
            // By look-up: the other way builds a second store with FASTER's default memory of 16 GiB.
            _store.Log.Compact<SpanByte, SpanByteAndMemory, Empty, SpanByteFunctions<Empty>>(
                new SpanByteFunctions<Empty>(), until, CompactionType.Lookup);
        }
    }

    public void DeleteBefore(long address) => _device.DeleteBefore(address);

    public void FlushAhead()
    {
        _store.Log.Flush(wait: true);
        _device.FlushToDisk();
    }

    public async Task<RecordCheckpoint> CheckpointAsync()
    {
        (bool started, Guid token) = await _store.TakeFullCheckpointAsync(CheckpointType.FoldOver).ConfigureAwait(false);
        if (!started)
        {
            throw new MoorchehException(ErrorCodes.StorageFailed, "The record store did not start a checkpoint.");
        }

        _device.FlushToDisk();
        return _checkpoints.Taken(token);
    }

    public ValueTask DisposeAsync()
    {
        while (_sessions.TryTake(out Session? session))
        {
            session.Dispose();
        }

        _store.Dispose();
        _settings.Dispose();
        _device.Dispose();
        _checkpoints.Dispose();
        return ValueTask.CompletedTask;
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

    private async ValueTask FinishReadsAsync(Session session, ReadOnlyMemory<RecordKey> keys, Memory<RecordLease> records, long begin)
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
        if (BeginAddress != begin)
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

    private static MoorchehException Damaged(string where) =>
        new(ErrorCodes.StorageDamaged, $"The record store is damaged: {where}.")
        {
            Facts = new Dictionary<string, object> { ["Where"] = where },
        };

    private Session RentSession() =>
        _sessions.TryTake(out Session? session)
            ? session
            : _store.For(new RecordFunctions()).NewSession<RecordFunctions>();
}
