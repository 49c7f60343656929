using FASTER.core;

using Session = FASTER.core.ClientSession<FASTER.core.SpanByte, FASTER.core.SpanByte, FASTER.core.SpanByte, Moorcheh.Storage.RecordCopy, int, Moorcheh.Storage.RecordFunctions>;

namespace Moorcheh.Storage;

/// <summary>Reads records, and verifies what it reads.</summary>
internal sealed class RecordReader(RecordLog log)
{
    private const int DamagedAttempts = 3;

    /// <summary>See <see cref="IRecordStore.ReadAsync(RecordKey)"/>.</summary>
    public async ValueTask<RecordLease> ReadAsync(RecordKey key)
    {
        // A read that took the address a record had before compaction moved it does not find it: it is begun anew.
        for (int attempt = 1; ; attempt++)
        {
            ReadMoment before = Now();
            Session session = log.Rent();
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
                log.Return(session);
            }

            ReadMoment after = Now();
            if (before == after)
            {
                return default;
            }

            // A damaged block of another read is no reason to refuse this one; its own is met each time.
            if (attempt >= DamagedAttempts && before.DamagedReads != after.DamagedReads)
            {
                throw RecordLog.Damaged($"a block of the log that was read for record {key}");
            }
        }
    }

    /// <summary>See <see cref="IRecordStore.ReadAsync(ReadOnlyMemory{RecordKey}, Memory{RecordLease})"/>.</summary>
    public ValueTask ReadAsync(ReadOnlyMemory<RecordKey> keys, Memory<RecordLease> records)
    {
        ReadMoment before = Now();
        Session session = log.Rent();
        if (StartReads(session, keys.Span, records.Span))
        {
            return FinishReadsAsync(session, keys, records, before);
        }

        log.Return(session);
        Verify(keys.Span, records.Span);
        return before == Now() ? default : ReadAgainAsync(keys, records);
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
            log.Return(session);
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
                throw RecordLog.Damaged($"record {keys[i]}");
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

    private ReadMoment Now() => new(log.Store.Log.BeginAddress, log.Checksums.DamagedReads);

    /// <summary>
    /// When one of these moves during a read that finds nothing, the record may be there: compaction moved it from the address that was being
    /// read, or the way to it led through a damaged block.
    /// </summary>
    private readonly record struct ReadMoment(long BeginAddress, long DamagedReads);
}
