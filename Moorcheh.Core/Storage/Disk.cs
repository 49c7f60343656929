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

    /// <summary>0600.</summary>
    public const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>0700.</summary>
    public const UnixFileMode PrivateDirectory = PrivateFile | UnixFileMode.UserExecute;

    /// <summary>The disk as it is.</summary>
    public static Disk Default { get; } = new();

    /// <summary>Opens a file for reading and writing, or creates it, for its owner only.</summary>
    public virtual DiskFile Open(string path, FileMode mode, FileShare share, bool writeThrough)
    {
        bool isNew = mode != FileMode.Open && !File.Exists(path);
        SafeFileHandle handle = File.OpenHandle(path, mode, FileAccess.ReadWrite, share, writeThrough ? FileOptions.WriteThrough : FileOptions.None);
        if (isNew)
        {
            KeepPrivate(handle);
        }

        return new DiskFile(path, writeThrough, handle);
    }

    /// <summary>Lets nobody but its owner read or write a file, where the file system knows owners.</summary>
    public static void KeepPrivate(SafeFileHandle file)
    {
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(file, PrivateFile);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // This one does not. An opening warns of a directory that others can look into.
        }
    }

    /// <summary>Writes; a file opened for write-through is on disk when this returns.</summary>
    public virtual void Write(DiskFile file, ReadOnlySpan<byte> bytes, long offset)
    {
        RandomAccess.Write(file.Handle, bytes, offset);
        if (file.WriteThrough && OperatingSystem.IsMacOS())
        {
            Flush(file); // Writing through ends in the drive's cache there.
        }
    }

    /// <summary>Reads up to as many bytes; 0 at the file's end.</summary>
    public virtual int Read(DiskFile file, Span<byte> bytes, long offset) => RandomAccess.Read(file.Handle, bytes, offset);

    public virtual void SetLength(DiskFile file, long length) => RandomAccess.SetLength(file.Handle, length);

    /// <summary>Everything written to the file is on disk when this returns; its name is after <see cref="FlushDirectory"/>.</summary>
    /// <exception cref="FlushException">The system says that it is not; then the next flush proves nothing about what was written before this one.</exception>
    public virtual void Flush(DiskFile file) => SystemFlush.File(file.Path, file.Handle);

    /// <summary>Renames a file, in place of the one that has the name.</summary>
    public virtual void Move(string from, string to) => File.Move(from, to, overwrite: true);

    /// <summary>Deletes a file; an absent one is fine.</summary>
    public virtual void Delete(string path) => File.Delete(path);

    /// <summary>Creates a directory for its owner only, and those above it that are missing; their names are durable when this returns.</summary>
    public virtual void CreateDirectory(string path)
    {
        List<string> missing = [];
        for (string? at = path; at is not null && !Directory.Exists(at); at = Path.GetDirectoryName(at))
        {
            missing.Add(at);
        }

        missing.Reverse();
        foreach (string absent in missing)
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(absent);
            }
            else
            {
                Directory.CreateDirectory(absent, PrivateDirectory);
            }

            FlushName(absent);
        }
    }

    /// <summary>Makes names created, renamed or deleted in a directory durable, where the platform offers it.</summary>
    /// <exception cref="FlushException">The system says that they are not.</exception>
    public virtual void FlushDirectory(string path) => SystemFlush.Directory(path);

    /// <summary>Makes the name of an existing directory durable, where the platform offers it.</summary>
    /// <exception cref="FlushException">The system says that it is not.</exception>
    public virtual void FlushName(string directory) => SystemFlush.NameOf(directory);

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
}
