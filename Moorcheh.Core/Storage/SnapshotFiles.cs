using System.Buffers;
using System.Globalization;

namespace Moorcheh.Storage;

/// <summary>
/// Copies a checkpoint with all it needs to another directory, while the store goes on: the record log up to the checkpoint's tail, the
/// journal up to its address, with a commit marker that says so. What lies behind is not of the checkpoint and may change meanwhile.
/// </summary>
internal sealed class SnapshotFiles(string source, string target, Disk disk)
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Makes the copy; no checkpoint may be taken meanwhile, since one removes files.</summary>
    public void Copy(CheckpointManifest manifest, CancellationToken cancellationToken)
    {
        foreach (string part in (string[])["journal", "records", "checkpoints", "index"])
        {
            Directory.CreateDirectory(Path.Combine(target, part));
        }

        LogChecksums log = manifest.Records.Checksums;
        CopyLog(Path.Combine("records", "records.log"), log.Begin, log.Tail, cancellationToken);
        CopyLog(Path.Combine("journal", "journal.log"), manifest.JournalFloor, manifest.JournalAddress, cancellationToken);
        foreach (string file in Directory.EnumerateFiles(Path.Combine(source, "index")))
        {
            FileStream opened;
            try
            {
                opened = Open(file);
            }
            catch (IOException)
            {
                continue; // Being written, or not needed any more. An index with a file that is missing is made anew.
            }

            CopyFile(opened, Path.GetRelativePath(source, file), long.MaxValue, cancellationToken);
        }

        using (var marker = new CommitMarker(Path.Combine(target, "journal", "committed"), disk))
        {
            marker.Write(manifest.JournalAddress);
            marker.Write(manifest.JournalAddress);
        }

        string checkpoints = Path.Combine(target, "checkpoints");
        string from = Path.Combine(source, "checkpoints");
        foreach (string file in (string[])[
            CheckpointManifest.IndexFileOnDisk(from, manifest.Records.Token),
            LogChecksums.FileOf(from, manifest.Records.Token),
            CheckpointManifest.FileOf(from, manifest.Number)])
        {
            CopyFile(Path.GetRelativePath(source, file), long.MaxValue, cancellationToken);
        }

        CopyFile("format", long.MaxValue, cancellationToken);
        foreach (string part in (string[])["journal", "records", "checkpoints", "index", "."])
        {
            disk.FlushDirectory(Path.Combine(target, part));
        }

        Verify(CheckpointManifest.Load(checkpoints, manifest.Number).Records.Checksums, cancellationToken);
    }

    /// <summary>Compares the copied record log with its checksums.</summary>
    private void Verify(LogChecksums log, CancellationToken cancellationToken)
    {
        byte[] part = new byte[BufferBytes];
        for (long start = log.Begin; start < log.Tail;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int length = (int)Math.Min(BufferBytes - (start % BufferBytes), log.Tail - start);
            string path = SegmentPath(target, Path.Combine("records", "records.log"), start);
            part.AsSpan(ReadAt(path, start % FasterSettings.SegmentBytes, part.AsSpan(0, length))).Clear();
            for (int at = 0; at < length; at += BlockChecksums.BlockBytes)
            {
                long address = start + at;
                int bytes = Math.Min(BlockChecksums.BlockBytes, length - at);
                uint expected = bytes == BlockChecksums.BlockBytes ? log.Blocks[(address - log.Begin) / BlockChecksums.BlockBytes] : log.TailChecksum;
                if (expected != 0 && BlockChecksums.Of(part.AsSpan(at, bytes)) != expected)
                {
                    throw new MoorchehException(
                        ErrorCodes.StorageDamaged,
                        $"The snapshot is damaged: '{path}', record log address {address}. The store it was taken from is damaged there, or a disk fails.")
                    {
                        Facts = new Dictionary<string, object> { ["Where"] = path },
                    };
                }
            }

            start += length;
        }
    }

    private static int ReadAt(string path, long offset, Span<byte> bytes)
    {
        if (!File.Exists(path))
        {
            return 0; // As long as nothing was stored there is none.
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read);
        file.Position = offset;
        return file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
    }

    private static string SegmentPath(string root, string name, long address) =>
        string.Create(CultureInfo.InvariantCulture, $"{Path.Combine(root, name)}.{address / FasterSettings.SegmentBytes}");

    private void CopyLog(string name, long from, long until, CancellationToken cancellationToken)
    {
        for (long start = from / FasterSettings.SegmentBytes * FasterSettings.SegmentBytes; start < until; start += FasterSettings.SegmentBytes)
        {
            string path = SegmentPath(source, name, start);
            if (File.Exists(path))
            {
                CopyFile(Path.GetRelativePath(source, path), until - start, cancellationToken);
            }
        }
    }

    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

    private void CopyFile(string name, long length, CancellationToken cancellationToken) =>
        CopyFile(Open(Path.Combine(source, name)), name, length, cancellationToken);

    private void CopyFile(FileStream from, string name, long length, CancellationToken cancellationToken)
    {
        using FileStream _ = from;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            using DiskFile to = disk.Open(Path.Combine(target, name), FileMode.CreateNew, FileShare.None, writeThrough: false);
            for (long done = 0; done < length;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int read = from.Read(buffer, 0, (int)Math.Min(BufferBytes, length - done));
                if (read == 0)
                {
                    break;
                }

                disk.Write(to, buffer.AsSpan(0, read), done);
                done += read;
            }

            disk.Flush(to);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
