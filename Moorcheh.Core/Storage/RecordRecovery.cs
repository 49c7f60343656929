namespace Moorcheh.Storage;

/// <summary>Opens a record log as it was at a checkpoint.</summary>
internal static class RecordRecovery
{
    /// <summary>
    /// FASTER reads the end of the log into memory and trusts it, so that is compared first: of the pages before the tail's as many are
    /// loaded as are sound one after another, the others stay on disk. Without the tail's page there is no store.
    /// </summary>
    public static void Recover(RecordLog log, RecordCheckpoint checkpoint, int memoryPages)
    {
        LogChecksums checksums = checkpoint.Checksums;
        log.Checksums.Restore(checksums);
        byte[] prefix = new byte[checksums.Tail % BlockChecksums.BlockBytes];
        log.Device.ReadUnchecked(checksums.Tail - prefix.Length, prefix);
        if (!log.Checksums.RestoreTail(checksums, prefix))
        {
            throw RecordLog.Damaged($"the block at log address {checksums.Tail - prefix.Length}, the last of the checkpoint");
        }

        long tailPage = checksums.LastPage;
        if (log.FindFault(tailPage, checksums.Tail) is { } fault)
        {
            throw RecordLog.Damaged($"{fault}, in the last page");
        }

        int pages = 0;
        for (long page = tailPage - FasterSettings.PageBytes; pages < memoryPages && page >= checksums.Begin; page -= FasterSettings.PageBytes)
        {
            if (log.FindFault(page, page + FasterSettings.PageBytes) is not null)
            {
                break;
            }

            pages++;
        }

        long damagedReads = log.Checksums.DamagedReads;
        log.CheckpointFiles.Prepare(checkpoint);
        try
        {
            log.Store.Recover(checkpoint.Token, checkpoint.Token, numPagesToPreload: pages);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw RecordLog.Damaged($"FASTER cannot recover checkpoint {checkpoint.Token:N} ({e.Message})", e);
        }

        if (damagedReads != log.Checksums.DamagedReads)
        {
            throw RecordLog.Damaged($"a block of the last {pages + 1} pages, which had been sound a moment before");
        }
    }
}
