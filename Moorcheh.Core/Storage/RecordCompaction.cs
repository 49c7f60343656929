using FASTER.core;

namespace Moorcheh.Storage;

/// <summary>Gives the space of dead records back, page by page.</summary>
/// <remarks>
/// Nothing may change while a page is compacted. Of two operations on one record FASTER takes the later one back and notes the size of what
/// that had allocated in place of its key's length: nobody gets through such a page any more.
/// </remarks>
/// <param name="log">The log.</param>
/// <param name="changing">Held by every change, and here for each page.</param>
internal sealed class RecordCompaction(RecordLog log, Lock changing)
{
    /// <summary>A page that turned out to be unreadable while it was compacted; null while all is well.</summary>
    public long? UnreadPage { get; private set; }

    /// <summary>See <see cref="IRecordStore.Compact"/>.</summary>
    public void Compact(long bytes)
    {
        // A page's end, which no record spans: FASTER's scan reads no further than it is told, and would copy the front of a record only.
        long until = FasterSettings.PageStart(Math.Min(log.Store.Log.BeginAddress + bytes, log.Store.Log.SafeReadOnlyAddress));
        for (long page = log.FirstPage; page < until; page += FasterSettings.PageBytes)
        {
            lock (changing)
            {
                if (!TryCompact(page))
                {
                    return;
                }
            }
        }
    }

    /// <summary>Moves the live records of the log's first page to its end, and begins the log with the next one. Call with the lock.</summary>
    /// <returns>False when the page cannot be read: compaction would take its records for dead.</returns>
    private bool TryCompact(long page)
    {
        // Look-ups through a damaged block find no newer record.
        long damagedReads = log.Checksums.DamagedReads;
        if (damagedReads > 0 || log.FindFaultOnDisk(page) is not null)
        {
            return false;
        }

        // By look-up: the other way builds a second store with FASTER's default memory of 16 GiB.
        long until = page + FasterSettings.PageBytes;
        log.Store.Log.Compact<SpanByte, SpanByteAndMemory, Empty, SpanByteFunctions<Empty>>(
            new SpanByteFunctions<Empty>(), until, CompactionType.Lookup);

        // FASTER stops behind the last record. The log begins with a page, or its first page would be half of one.
        log.Store.Log.ShiftBeginAddress(until, truncateLog: false);
        if (damagedReads != log.Checksums.DamagedReads)
        {
            UnreadPage = page; // It was sound a moment before. No checkpoint is taken any more, so nothing is lost.
            return false;
        }

        return true;
    }
}
