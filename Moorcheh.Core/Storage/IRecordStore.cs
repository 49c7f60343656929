namespace Moorcheh.Storage;

/// <summary>
/// Records by key, larger than memory. What is written is durable with the next checkpoint; until then the journal holds it.
/// Safe for use from several threads; a checkpoint needs writers to hold still.
/// </summary>
internal interface IRecordStore : IAsyncDisposable
{
    /// <summary>Bytes of the record log, dead records included.</summary>
    long LogBytes { get; }

    /// <summary>Bytes of the log that are not written to files yet.</summary>
    long UnflushedBytes { get; }

    /// <summary>Bytes of the hash index, which each checkpoint writes.</summary>
    long HashIndexBytes { get; }

    /// <summary>Times since opening that a part of the log was read that is not as it was written.</summary>
    long DamagedReads { get; }

    /// <summary>Writes a record in place of the one of the same key, if any.</summary>
    void Upsert(in RecordKey key, ReadOnlySpan<byte> body);

    /// <summary>Removes a record; removing an absent one is fine.</summary>
    void Delete(in RecordKey key);

    /// <summary>Reads a record.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageDamaged"/>: the bytes are not what was written.</exception>
    ValueTask<RecordLease> ReadAsync(RecordKey key);

    /// <summary>Reads several records together.</summary>
    /// <param name="keys">Their keys.</param>
    /// <param name="records">As long; receives the records in the order of the keys. Dispose each; when this throws, none is left to dispose.</param>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageDamaged"/>: the bytes of one are not what was written.</exception>
    ValueTask ReadAsync(ReadOnlyMemory<RecordKey> keys, Memory<RecordLease> records);

    /// <summary>
    /// Keeps records readable until the pin is released: removing them waits. A checkpoint does not: it carries out what waits, and the records are
    /// gone. One that was removed before is not brought back.
    /// </summary>
    /// <param name="pin">Of one reader.</param>
    /// <param name="first">The key.</param>
    /// <param name="count">More than one: also those with the numbers that follow.</param>
    void Pin(RecordPin pin, in RecordKey first, int count = 1);

    /// <summary>Releases the records of a pin; removals that waited are carried out.</summary>
    void Release(RecordPin pin);

    /// <summary>Visits every record version in the order of writing; see <see cref="RecordVisitor"/>.</summary>
    void Scan(RecordVisitor visit);

    /// <summary>Where the log begins.</summary>
    long BeginAddress { get; }

    /// <summary>
    /// Moves what is alive in the oldest part of the log to its end; the part is then before <see cref="BeginAddress"/>. A log with damaged
    /// blocks stays as it is.
    /// </summary>
    void Compact(long bytes);

    /// <summary>Makes the log go on at a new page.</summary>
    /// <returns>Where that page begins.</returns>
    long StartNewPage();

    /// <summary>Forgets what is before the begin of a page; what is alive there must have been written anew.</summary>
    void ForgetBefore(long address);

    /// <summary>Gives back the space of the log before an address; no checkpoint that is kept may need it.</summary>
    void DeleteBefore(long address);

    /// <summary>Brings most of what a checkpoint will write to disk ahead of it, while writers go on.</summary>
    void FlushAhead();

    /// <summary>Writes a checkpoint and describes it.</summary>
    Task<RecordCheckpoint> CheckpointAsync();
}

/// <summary>
/// Called for each record of a scan. A later call for the same key replaces an earlier one; <paramref name="deleted"/> means
/// that the key is gone from here on. The body is only valid during the call.
/// </summary>
internal delegate void RecordVisitor(in RecordKey key, ReadOnlySpan<byte> body, bool deleted);
