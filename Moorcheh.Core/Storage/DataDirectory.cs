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
            CheckFormat(root, disk);
            foreach (string part in (string[])["journal", "records", "checkpoints"])
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

        try
        {
            File.WriteAllText(pidPath, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            // The disk is full. Only the message to a second process loses by it.
        }

        return file;
    }

    private static void CheckFormat(string root, Disk disk)
    {
        string path = Path.Combine(root, "format");
        if (!File.Exists(path))
        {
            disk.Replace(path, Encoding.ASCII.GetBytes(FormatVersion.ToString(CultureInfo.InvariantCulture)));
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
}
