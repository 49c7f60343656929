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

    private readonly FileStream _lock;

    private DataDirectory(string root, FileStream lockFile, Disk disk)
    {
        Disk = disk;
        Root = root;
        _lock = lockFile;
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

    /// <summary>Creates the directory if it is absent, locks it and checks its format.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.DirectoryLocked"/> or <see cref="ErrorCodes.UnsupportedFormat"/>.</exception>
    public static DataDirectory Open(string path, Disk disk)
    {
        string root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        disk.CreateDirectory(root);
        FileStream lockFile = Lock(root);
        try
        {
            CheckFinished(root);
            CheckFormat(root, disk);
            foreach (string part in Parts)
            {
                disk.CreateDirectory(Path.Combine(root, part));

                // A process that was killed may have made files whose names are in the system's memory only; from here on they are relied on.
                disk.FlushDirectory(Path.Combine(root, part));
            }

            disk.FlushDirectory(root);
            disk.FlushDirectory(Path.GetDirectoryName(root) ?? root);
            return new DataDirectory(root, lockFile, disk);
        }
        catch
        {
            lockFile.Dispose();
            throw;
        }
    }

    public void Dispose() => _lock.Dispose();

    /// <summary>Keeps other processes out of an existing store while its files are read, without changing anything.</summary>
    /// <returns>Dispose it; null when no process ever had the store open.</returns>
    /// <exception cref="ArgumentException">It is not the directory of a store.</exception>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.DirectoryLocked"/>, <see cref="ErrorCodes.UnsupportedFormat"/> or <see cref="ErrorCodes.StorageDamaged"/>: an
    /// unfinished copy.
    /// </exception>
    public static IDisposable? LockForReading(string root)
    {
        if (!Parts.All(part => Directory.Exists(Path.Combine(root, part))))
        {
            throw new ArgumentException($"'{root}' is not the directory of a store.");
        }

        FileStream? file = null;
        try
        {
            string path = Path.Combine(root, "lock");
            file = File.Exists(path) ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None) : null;
        }
        catch (IOException e)
        {
            throw Locked(root, e);
        }

        try
        {
            CheckFinished(root);
            if (FindFormat(root) is { } found)
            {
                CheckFormat(root, found);
            }

            return file;
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    private static FileStream Lock(string root)
    {
        FileStream file;
        try
        {
            file = new FileStream(Path.Combine(root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw Locked(root, e);
        }

        try
        {
            File.WriteAllText(PidPath(root), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            // The disk is full. Only the message to a second process loses by it.
        }

        return file;
    }

    private static string PidPath(string root) => Path.Combine(root, "lock.pid");

    private static MoorchehException Locked(string root, IOException cause)
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
