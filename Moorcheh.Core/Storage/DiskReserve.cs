namespace Moorcheh.Storage;

/// <summary>A small file that is given up when a write fails for lack of room. Safe for use from several threads.</summary>
internal sealed class DiskReserve
{
    /// <summary>The size of the file.</summary>
    public const int Bytes = 1 << 20;

    private readonly string _path;
    private readonly Disk _disk;
    private readonly Lock _lock = new();
    private volatile bool _isTaken;

    public DiskReserve(string root, Disk disk)
    {
        _path = Path.Combine(root, "reserve");
        _disk = disk;
        _isTaken = File.Exists(_path);
    }

    /// <summary>True while the file is there.</summary>
    public bool IsTaken => _isTaken;

    /// <summary>Writes the file, unless it is there or something speaks against it.</summary>
    public void Take(Func<bool> isAllowed)
    {
        lock (_lock)
        {
            if (_isTaken || !isAllowed())
            {
                return;
            }

            try
            {
                using DiskFile file = _disk.Open(_path, FileMode.Create, FileShare.None, writeThrough: false);
                _disk.Write(file, new byte[Bytes], 0);
                _isTaken = true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _disk.Delete(_path);
            }
        }
    }

    /// <summary>Gives the file up, if it is there.</summary>
    public void Release()
    {
        lock (_lock)
        {
            if (_isTaken)
            {
                _isTaken = false;
                try
                {
                    _disk.Delete(_path);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // Whoever calls has a write that failed, and must go on to try it again.
                }
            }
        }
    }
}
