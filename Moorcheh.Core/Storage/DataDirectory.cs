using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Moorcheh.Storage;

/// <summary>
/// The directory of a store: its layout, its format version, and the lock that lets one process in. No name in it comes from a
/// client.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    /// <summary>Version of the directory as a whole; each kind of file carries its own besides.</summary>
    public const int FormatVersion = 1;

    private readonly FileStream _lock;

    private DataDirectory(string root, FileStream lockFile)
    {
        Root = root;
        _lock = lockFile;
    }

    public string Root { get; }

    public string JournalPath => Path.Combine(Root, "journal", "journal.log");

    public string CommitMarkerPath => Path.Combine(Root, "journal", "committed");

    public string RecordPath => Path.Combine(Root, "records", "records.log");

    /// <summary>Files of the search index, made anew at each opening.</summary>
    public string IndexDirectory => Path.Combine(Root, "index");

    public string CheckpointDirectory => Path.Combine(Root, "checkpoints");

    /// <summary>Creates the directory if it is absent, locks it and checks its format.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.DirectoryLocked"/> or <see cref="ErrorCodes.UnsupportedFormat"/>.</exception>
    public static DataDirectory Open(string path)
    {
        string root = Path.GetFullPath(path);
        Directory.CreateDirectory(root);
        FileStream lockFile = Lock(root);
        try
        {
            CheckFormat(root);
            foreach (string part in (string[])["journal", "records", "checkpoints"])
            {
                Directory.CreateDirectory(Path.Combine(root, part));
            }

            return new DataDirectory(root, lockFile);
        }
        catch
        {
            lockFile.Dispose();
            throw;
        }
    }

    /// <summary>Replaces a small file as a whole: after a crash it has its old or its new content.</summary>
    public static void WriteAtomically(string path, ReadOnlySpan<byte> content)
    {
        string temporary = path + ".tmp";
        using (FileStream file = new(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        FlushDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>Makes names created, renamed or deleted in a directory durable, where the platform offers it.</summary>
    public static void FlushDirectory(string path)
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

    public void Dispose() => _lock.Dispose();

    private static FileStream Lock(string root)
    {
        string lockPath = Path.Combine(root, "lock");
        string pidPath = Path.Combine(root, "lock.pid");
        FileStream file;
        try
        {
            file = new FileStream(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            string pid = File.Exists(pidPath) ? File.ReadAllText(pidPath).Trim() : "unknown";
            throw new MoorchehException(
                ErrorCodes.DirectoryLocked, $"Directory '{root}' is open in process {pid}; a store has one process at a time.", e)
            {
                Facts = new Dictionary<string, object> { ["ProcessId"] = pid, ["Directory"] = root },
            };
        }

        File.WriteAllText(pidPath, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        return file;
    }

    private static void CheckFormat(string root)
    {
        string path = Path.Combine(root, "format");
        if (!File.Exists(path))
        {
            WriteAtomically(path, Encoding.ASCII.GetBytes(FormatVersion.ToString(CultureInfo.InvariantCulture)));
            return;
        }

        string found = File.ReadAllText(path).Trim();
        if (found != FormatVersion.ToString(CultureInfo.InvariantCulture))
        {
            throw new MoorchehException(
                ErrorCodes.UnsupportedFormat,
                $"Directory '{root}' has format '{found}'; this build reads format {FormatVersion}.")
            {
                Facts = new Dictionary<string, object> { ["Found"] = found, ["Supported"] = FormatVersion },
            };
        }
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
