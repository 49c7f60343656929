using System.Globalization;
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

    /// <summary>Present in a copy that was not completed.</summary>
    public const string UnfinishedName = "unfinished";

    /// <summary>The directories in it.</summary>
    public static readonly string[] Parts = ["journal", "records", "checkpoints", "index"];

    private readonly FileStream? _lock;
    private readonly IDisposable _directoryLock;

    private DataDirectory(string root, FileStream? lockFile, IDisposable directoryLock, Disk disk)
    {
        Disk = disk;
        Root = root;
        _lock = lockFile;
        _directoryLock = directoryLock;
    }

    public string Root { get; }

    public Disk Disk { get; }

    public string JournalPath => Path.Combine(Root, "journal", "journal.log");

    public string CommitMarkerPath => Path.Combine(Root, "journal", "committed");

    public string RecordPath => Path.Combine(Root, "records", "records.log");

    /// <summary>What is worked on; see <see cref="WorkMarks"/>.</summary>
    public string WorkPath => Path.Combine(Root, "working");

    /// <summary>Files of the search indexes.</summary>
    public string IndexDirectory => Path.Combine(Root, "index");

    public string CheckpointDirectory => Path.Combine(Root, "checkpoints");

    /// <summary>The directory's mode in octal digits when others than its owner can reach into it; null when they cannot, and on Windows.</summary>
    public string? SharedMode =>
        !OperatingSystem.IsWindows() && File.GetUnixFileMode(Root) is var mode && (mode & ~Disk.PrivateDirectory) != 0
            ? Convert.ToString((int)mode, 8)
            : null;

    /// <summary>Creates the directory if it is absent, locks it and checks its format.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.DirectoryLocked"/> or <see cref="ErrorCodes.UnsupportedFormat"/>.</exception>
    public static DataDirectory Open(string path, Disk disk)
    {
        string root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        disk.CreateDirectory(root);
        IDisposable directoryLock = DirectoryLock.TryTake(root) ?? throw Locked(root);
        FileStream? lockFile = null;
        try
        {
            lockFile = Lock(root);
            CheckFinished(root);
            CheckFormat(root, disk);
            foreach (string part in Parts)
            {
                disk.CreateDirectory(Path.Combine(root, part));
                KeepPrivate(Path.Combine(root, part)); // Builds of before left it to the umask.

                // A process that was killed may have made files whose names are in the system's memory only; from here on they are relied on.
                disk.FlushDirectory(Path.Combine(root, part));
            }

            disk.FlushDirectory(root);
            disk.FlushName(root);
            return new DataDirectory(root, lockFile, directoryLock, disk);
        }
        catch
        {
            lockFile?.Dispose();
            directoryLock.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _lock?.Dispose();
        _directoryLock.Dispose();
    }

    /// <summary>True for the directory of a store, finished or not.</summary>
    public static bool IsStore(string root) => Parts.All(part => Directory.Exists(Path.Combine(root, part)));

    /// <summary>Keeps other processes out of an existing store while its files are read, without changing anything.</summary>
    /// <returns>Dispose it to let others in.</returns>
    /// <exception cref="ArgumentException">It is not the directory of a store.</exception>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.DirectoryLocked"/>, <see cref="ErrorCodes.UnsupportedFormat"/> or <see cref="ErrorCodes.StorageDamaged"/>: an
    /// unfinished copy.
    /// </exception>
    public static IDisposable LockForReading(string root)
    {
        if (!IsStore(root))
        {
            throw new ArgumentException($"'{root}' is not the directory of a store.");
        }

        IDisposable directoryLock = DirectoryLock.TryTake(root) ?? throw Locked(root);
        FileStream? file = null;
        try
        {
            string path = Path.Combine(root, "lock");
            file = File.Exists(path) ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None) : null;
        }
        catch (IOException e)
        {
            directoryLock.Dispose();
            throw Locked(root, e);
        }

        var held = new DataDirectory(root, file, directoryLock, Disk.Default);
        try
        {
            CheckFinished(root);
            if (FindFormat(root) is { } found)
            {
                CheckFormat(root, found);
            }

            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private static void KeepPrivate(string directory)
    {
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(directory, Disk.PrivateDirectory);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody else's, or a file system without owners: see SharedMode.
        }
    }

    private static FileStream Lock(string root)
    {
        FileStream file;
        try
        {
            file = new FileStream(Path.Combine(root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            Disk.KeepPrivate(file.SafeFileHandle);
        }
        catch (IOException e)
        {
            throw Locked(root, e);
        }

        try
        {
            using var pid = new FileStream(PidPath(root), FileMode.Create, FileAccess.Write, FileShare.Read);
            Disk.KeepPrivate(pid.SafeFileHandle);
            pid.Write(Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The disk is full. Only the message to a second process loses by it.
        }

        return file;
    }

    private static string PidPath(string root) => Path.Combine(root, "lock.pid");

    private static MoorchehException Locked(string root, IOException? cause = null)
    {
        string pid = File.Exists(PidPath(root)) ? File.ReadAllText(PidPath(root)).Trim() : "unknown";
        return new MoorchehException(
            ErrorCodes.DirectoryLocked, $"Directory '{root}' is open in process {pid}; a store has one process at a time.", cause)
        {
            Facts = new Dictionary<string, object> { ["ProcessId"] = pid, ["Directory"] = root },
        };
    }

    private static void CheckFinished(string root)
    {
        if (File.Exists(Path.Combine(root, UnfinishedName)))
        {
            throw new MoorchehException(
                ErrorCodes.StorageDamaged, $"Directory '{root}' is a copy that was not completed. Delete it, and make the snapshot or restore it again.")
            {
                Facts = new Dictionary<string, object> { ["Where"] = root },
            };
        }
    }

    private static string FormatPath(string root) => Path.Combine(root, "format");

    private static string? FindFormat(string root) => File.Exists(FormatPath(root)) ? File.ReadAllText(FormatPath(root)).Trim() : null;

    private static void CheckFormat(string root, Disk disk)
    {
        if (FindFormat(root) is { } found)
        {
            CheckFormat(root, found);
        }
        else
        {
            disk.Replace(FormatPath(root), Encoding.ASCII.GetBytes(FormatVersion.ToString(CultureInfo.InvariantCulture)));
        }
    }

    private static void CheckFormat(string root, string found)
    {
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
}
