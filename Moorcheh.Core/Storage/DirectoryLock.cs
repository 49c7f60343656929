using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Moorcheh.Storage;

/// <summary>
/// The system's lock on a directory itself. A lock on a file in it keeps nobody out any more once that file was removed: the next process
/// makes and locks another one. This one stays as long as its holder lives, whatever is removed, and ends with it. Not needed on Windows,
/// where a file that is open cannot be removed.
/// </summary>
internal static class DirectoryLock
{
    private const int Exclusive = 2; // LOCK_EX
    private const int DoNotWait = 4; // LOCK_NB

    // The numbers of O_CLOEXEC (a child that is started must not hold the lock on) and of EWOULDBLOCK.
    private static readonly int CloseOnExec = OperatingSystem.IsLinux() ? 0x80000 : 0x1000000;
    private static readonly int WouldBlock = OperatingSystem.IsLinux() ? 11 : 35;

    /// <summary>Takes the lock, if nobody has it.</summary>
    /// <returns>Dispose it to let others in; null when somebody has it. Where a file system knows no such lock, nobody ever has.</returns>
    public static SafeHandle? TryTake(string path)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS())
        {
            return new SafeFileHandle();
        }

        var directory = new SafeFileHandle(NativeMethods.Open(path, CloseOnExec), ownsHandle: true);
        if (!directory.IsInvalid && NativeMethods.FileLock(directory, Exclusive | DoNotWait) < 0 && Marshal.GetLastPInvokeError() == WouldBlock)
        {
            directory.Dispose();
            return null;
        }

        return directory;
    }

    private static class NativeMethods
    {
        [DllImport("libc", EntryPoint = "open", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int Open(string path, int flags);

        [DllImport("libc", EntryPoint = "flock", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int FileLock(SafeFileHandle file, int operation);
    }
}
