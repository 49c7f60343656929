using System.Buffers;
using Moorcheh.Storage;

namespace Moorcheh.Durability;

/// <summary>
/// Copies a store to another directory, which is marked as unfinished until the copy is complete, durable and verified.
/// </summary>
internal sealed class SnapshotFiles(string source, string target, Disk disk)
{
    private const int BufferBytes = 1 << 20;

    // Of the process that has the store open.
    private static readonly string[] NotCopied = ["lock", "lock.pid", "reserve"];

    private static readonly StringComparer PathComparer = OperatingSystem.IsLinux() ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase;

    /// <summary>
    /// Copies a checkpoint with all it needs while the store goes on: the record log up to the checkpoint's tail, the journal up to its
    /// address, with a commit marker that says so. What lies behind is not of the checkpoint and may change meanwhile. No checkpoint may be
    /// taken meanwhile, since one removes files.
    /// </summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageDamaged"/>: the copy is not sound.</exception>
    public void CopyCheckpoint(CheckpointManifest manifest, CancellationToken cancellationToken) => Fill(
        () =>
        {
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

            string checkpoints = Path.Combine(source, "checkpoints");
            foreach (string file in (string[])[
                CheckpointManifest.IndexFileOnDisk(checkpoints, manifest.Records.Token),
                LogChecksums.FileOf(checkpoints, manifest.Records.Token),
                CheckpointManifest.FileOf(checkpoints, manifest.Number)])
            {
                CopyFile(Path.GetRelativePath(source, file), long.MaxValue, cancellationToken);
            }

            CopyFile("format", long.MaxValue, cancellationToken);
        },
        cancellationToken);

    /// <summary>
    /// Makes sure that the target can take a copy, before anything is written: nothing may be in it, and it may not be within a store, whose
    /// files it would mix with and which would be copied into itself.
    /// </summary>
    /// <exception cref="ArgumentException">It cannot; the message says why.</exception>
    public void CheckTarget()
    {
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
        {
            throw new ArgumentException($"Directory '{target}' is not empty.");
        }

        // Directories of the store may be links to other places.
        string[] parts = [.. DataDirectory.Parts.Select(part => RealPath.Of(Path.Combine(source, part)))];
        if (RealPath.AndAbove(target).FirstOrDefault(at => parts.Contains(at, PathComparer) || DataDirectory.IsStore(at)) is { } store)
        {
            throw new ArgumentException($"Directory '{target}' is within '{store}', which belongs to a store; a copy needs a place outside of it.");
        }
    }

    /// <summary>Copies all files of a store that no process has open.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageDamaged"/>: the copy is not sound.</exception>
    public void CopyAll(CancellationToken cancellationToken) => Fill(
        () =>
        {
            foreach (string file in DataDirectory.Parts.Prepend("").SelectMany(part => Directory.EnumerateFiles(Path.Combine(source, part))))
            {
                string name = Path.GetRelativePath(source, file);
                if (!NotCopied.Contains(name))
                {
                    CopyFile(name, long.MaxValue, cancellationToken);
                }
            }
        },
        cancellationToken);

    private void Fill(Action copy, CancellationToken cancellationToken)
    {
        CheckTarget();

        // What has no directories yet is no store, and with them comes the mark.
        string unfinished = Path.Combine(target, DataDirectory.UnfinishedName);
        disk.CreateDirectory(target);
        disk.Open(unfinished, FileMode.CreateNew, FileShare.None, writeThrough: true).Dispose();
        disk.FlushDirectory(target);
        string[] directories = [.. DataDirectory.Parts.Select(part => Path.Combine(target, part))];
        foreach (string directory in directories)
        {
            disk.CreateDirectory(directory);
        }

        copy();
        foreach (string directory in (string[])[.. directories, target])
        {
            disk.FlushDirectory(directory);
        }

        StoreVerification.RequireSound(target, "The copy", cancellationToken);
        disk.Delete(unfinished);
        disk.FlushDirectory(target);
    }

    private void CopyLog(string name, long from, long until, CancellationToken cancellationToken)
    {
        for (long start = from / FasterSettings.SegmentBytes * FasterSettings.SegmentBytes; start < until; start += FasterSettings.SegmentBytes)
        {
            string path = FasterSettings.SegmentPath(Path.Combine(source, name), start);
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
