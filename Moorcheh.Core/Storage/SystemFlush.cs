using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Moorcheh.Storage;

/// <summary>
/// The flush calls of the operating system, with their results. The runtime's own (<c>RandomAccess.FlushToDisk</c>, <c>FileStream.Flush(true)</c>) returns as
/// if all was well when <c>fsync</c> fails with EIO, ENOSPC or EDQUOT. Safe for use from several threads.
/// </summary>
internal static class SystemFlush
{
    private const int Interrupted = 4; // EINTR
    private const int AccessDenied = 13; // EACCES
    private const int InvalidArgument = 22; // EINVAL
    private const int NoTerminal = 25; // ENOTTY
    private const int NotSupportedOnMac = 45; // ENOTSUP
    private const int FullSync = 51; // F_FULLFSYNC: fsync alone leaves the data in the drive's cache on macOS.

    /// <summary>Everything written to a file is on disk when this returns.</summary>
    /// <param name="path">For messages.</param>
    /// <param name="handle">Open for writing.</param>
    /// <exception cref="FlushException">The system says that it is not.</exception>
    public static void File(string path, SafeFileHandle handle)
    {
        if (OperatingSystem.IsWindows())
        {
            if (!NativeMethods.FlushFileBuffers(handle))
            {
                throw new FlushException(path, Marshal.GetLastPInvokeError());
            }

            return;
        }

        Sync(path, () => NativeMethods.FileSync(handle), () => NativeMethods.FileControl(handle, FullSync));
    }

    /// <summary>Names created, renamed or deleted in a directory are on disk when this returns; on Windows NTFS sees to it, and there is no call.</summary>
    /// <exception cref="FlushException">The directory cannot be opened, or the system says that they are not.</exception>
    public static void Directory(string path)
    {
        if (!OperatingSystem.IsWindows() && FindError(path, NativeMethods.FileSync) is { } error)
        {
            throw new FlushException(path, error);
        }
    }

    /// <summary>
    /// The name of an existing directory is on disk when this returns. Where the one above may be passed through but not read, and so not be flushed alone,
    /// Linux flushes the whole volume.
    /// </summary>
    /// <exception cref="FlushException">The system says that it is not.</exception>
    public static void NameOf(string directory)
    {
        if (OperatingSystem.IsWindows() || Path.GetDirectoryName(directory) is not { } parent)
        {
            return;
        }

        int? error = FindError(parent, NativeMethods.FileSync);
        if (error == AccessDenied && OperatingSystem.IsLinux())
        {
            error = FindError(directory, NativeMethods.VolumeSync);
        }

        if (error is { } found)
        {
            throw new FlushException(parent, found);
        }
    }

    private static int? FindError(string directory, Func<SafeFileHandle, int> sync)
    {
        using SafeFileHandle handle = NativeMethods.Open(directory, 0);
        if (handle.IsInvalid)
        {
            return Marshal.GetLastPInvokeError();
        }

        try
        {
            Sync(directory, () => sync(handle), () => NativeMethods.FileControl(handle, FullSync));
            return null;
        }
        catch (FlushException e) when (e.Error == InvalidArgument)
        {
            return null; // This file system has no flush of directories, as some in the network have not.
        }
        catch (FlushException e)
        {
            return e.Error;
        }
    }

    private static void Sync(string path, Func<int> sync, Func<int> fullSync)
    {
        if (!OperatingSystem.IsMacOS() || !TrySync(path, fullSync, isOptional: true))
        {
            TrySync(path, sync, isOptional: false);
        }
    }

    /// <returns>False when the volume does not know the call: then it takes the other one. What failed otherwise is not tried by another.</returns>
    private static bool TrySync(string path, Func<int> sync, bool isOptional)
    {
        while (sync() == -1)
        {
            int error = Marshal.GetLastPInvokeError();
            if (isOptional && (error is InvalidArgument or NoTerminal or NotSupportedOnMac))
            {
                return false;
            }

            if (error != Interrupted)
            {
                throw new FlushException(path, error);
            }
        }

        return true;
    }

    private static class NativeMethods
    {
        [DllImport("libc", EntryPoint = "open", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern SafeFileHandle Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

        [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int FileSync(SafeFileHandle descriptor);

        [DllImport("libc", EntryPoint = "syncfs", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int VolumeSync(SafeFileHandle descriptor);

        [DllImport("libc", EntryPoint = "fcntl", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int FileControl(SafeFileHandle descriptor, int command);

        [DllImport("kernel32", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [return: MarshalAs(UnmanagedType.Bool)]
        public static extern bool FlushFileBuffers(SafeFileHandle file);
    }
}
