using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Moorcheh.Diagnostics;

namespace Moorcheh.Storage;

/// <summary>
/// Every change to a file of a store goes through here: what was written is durable only after a flush, or at once where a file was opened
/// for write-through. Tests put their own in its place, to lose what was not flushed or to have no room. Safe for use from several threads.
/// </summary>
internal class Disk
{
    /// <summary>Added to the name of a file that is being replaced.</summary>
    public const string TemporarySuffix = ".tmp";

    /// <summary>The disk as it is.</summary>
    public static Disk Default { get; } = new();

    /// <summary>Opens or creates a file for reading and writing.</summary>
    public virtual DiskFile Open(string path, FileMode mode, FileShare share, bool writeThrough) =>
        new(path, writeThrough, File.OpenHandle(path, mode, FileAccess.ReadWrite, share, writeThrough ? FileOptions.WriteThrough : FileOptions.None));

    public virtual void Write(DiskFile file, ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(file.Handle, bytes, offset);

    /// <summary>Reads up to as many bytes; 0 at the file's end.</summary>
    public virtual int Read(DiskFile file, Span<byte> bytes, long offset) => RandomAccess.Read(file.Handle, bytes, offset);

    public virtual void SetLength(DiskFile file, long length) => RandomAccess.SetLength(file.Handle, length);

    /// <summary>Everything written to the file is on disk when this returns; its name is after <see cref="FlushDirectory"/>.</summary>
    public virtual void Flush(DiskFile file) => RandomAccess.FlushToDisk(file.Handle);

    /// <summary>Renames a file, in place of the one that has the name.</summary>
    public virtual void Move(string from, string to) => File.Move(from, to, overwrite: true);

    /// <summary>Deletes a file; an absent one is fine.</summary>
    public virtual void Delete(string path) => File.Delete(path);

    /// <summary>Creates a directory, and those above it that are missing; their names are durable when this returns.</summary>
    public virtual void CreateDirectory(string path)
    {
        List<string> missing = [];
        for (string? at = path; at is not null && !Directory.Exists(at); at = Path.GetDirectoryName(at))
        {
            missing.Add(at);
        }

        Directory.CreateDirectory(path);
        foreach (string created in missing)
        {
            FlushDirectory(Path.GetDirectoryName(created)!);
        }
    }

    /// <summary>Makes names created, renamed or deleted in a directory durable, where the platform offers it.</summary>
    public virtual void FlushDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return; // NTFS journals its directories; there is no call for it.
        }

        int descriptor = NativeMethods.Open(path, 0);
        if (descriptor >= 0)
        {
            _ = NativeMethods.FileSync(descriptor);
            _ = NativeMethods.Close(descriptor);
        }
    }

    /// <summary>Bytes that can still be written to the volume of a directory.</summary>
    public virtual long FreeBytes(string directory) => new DriveInfo(directory).AvailableFreeSpace;

    /// <summary>Replaces a small file as a whole: after a crash it has its old or its new content.</summary>
    public void Replace(string path, ReadOnlySpan<byte> content)
    {
        string temporary = path + TemporarySuffix;
        using (DiskFile file = Open(temporary, FileMode.Create, FileShare.None, writeThrough: false))
        {
            Write(file, content, 0);
            Flush(file);
        }

        CrashPoints.Pass(CrashPoints.FileReplacing);
        Move(temporary, path);
        CrashPoints.Pass(CrashPoints.FileReplaced);
        FlushDirectory(Path.GetDirectoryName(path)!);
    }

    private static class NativeMethods
    {
        [DllImport("libc", EntryPoint = "open", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int Open(string path, int flags);

        [DllImport("libc", EntryPoint = "fsync")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int FileSync(int descriptor);

        [DllImport("libc", EntryPoint = "close")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int Close(int descriptor);
    }
}

/// <summary>An open file of a <see cref="Disk"/>. Reading goes to the handle directly.</summary>
internal sealed class DiskFile(string path, bool writeThrough, SafeFileHandle handle) : IDisposable
{
    public string Path { get; } = path;

    public bool WriteThrough { get; } = writeThrough;

    public SafeFileHandle Handle { get; } = handle;

    public void Dispose() => Handle.Dispose();
}
