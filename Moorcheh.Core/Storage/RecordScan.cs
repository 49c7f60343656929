using FASTER.core;

namespace Moorcheh.Storage;

/// <summary>Goes over all of a record log.</summary>
internal static class RecordScan
{
    /// <summary>Visits every record version in the order of writing.</summary>
    public static void Run(RecordLog log, RecordVisitor visit)
    {
        long damaged = log.Checksums.DamagedReads;
        for (long page = log.FirstPage; page < log.Store.Log.HeadAddress; page += FasterSettings.PageBytes)
        {
            if (log.FindFaultOnDisk(page) is { } fault)
            {
                throw RecordLog.Damaged(fault); // FASTER would step over the page's records.
            }
        }

        using IFasterScanIterator<SpanByte, SpanByte> iterator = log.Store.Log.Scan(log.Store.Log.BeginAddress, log.Store.Log.TailAddress);
        while (iterator.GetNext(out RecordInfo info))
        {
            ReadOnlySpan<byte> keyBytes = iterator.GetKey().AsReadOnlySpan();
            if (keyBytes.Length != RecordKey.Bytes)
            {
                throw RecordLog.Damaged($"a key of {keyBytes.Length} bytes at log address {iterator.CurrentAddress}");
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
                throw RecordLog.Damaged($"record {key}");
            }
        }

        if (damaged != log.Checksums.DamagedReads)
        {
            throw RecordLog.Damaged($"a block of the log between addresses {log.Store.Log.BeginAddress} and {log.Store.Log.TailAddress}");
        }
    }
}
