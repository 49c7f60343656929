using System.Collections.Concurrent;
using System.Globalization;

namespace Moorcheh.Storage;

/// <summary>The files of a <see cref="FileDevice"/>, one a segment. Safe for use from several threads.</summary>
/// <param name="path">Path without the segment number.</param>
/// <param name="disk">Where they are.</param>
/// <param name="writeThrough">True: a write is on disk when it completes.</param>
/// <param name="flushesNames">False where somebody else flushes the directory before the files count.</param>
internal sealed class SegmentFiles(string path, Disk disk, bool writeThrough, bool flushesNames) : IDisposable
{
    private readonly ConcurrentDictionary<int, DiskFile> _open = new();
    private readonly Lock _opening = new();

    /// <summary>Bytes of a segment; not positive for a device of one file that may have any length.</summary>
    public long SegmentBytes { get; set; }

    /// <summary>The path of a segment's file.</summary>
    public string PathOf(int segment) => string.Create(CultureInfo.InvariantCulture, $"{path}.{segment}");

    /// <summary>Where in the log something is.</summary>
    public long AddressOf(int segment, long offset) => (segment * SegmentBytes) + offset;

    /// <summary>The file of a segment, which is made where there is none.</summary>
    public DiskFile Open(int segment)
    {
        if (_open.TryGetValue(segment, out DiskFile? open))
        {
            return open;
        }

        lock (_opening)
        {
            return _open.GetOrAdd(segment, OpenCore);
        }
    }

    /// <summary>Reads as it is on disk; what was never written reads as zeros, as in a sparse file.</summary>
    public void Read(int segment, long offset, Span<byte> buffer)
    {
        int done = 0;
        if (Find(segment) is { } file)
        {
            while (done < buffer.Length)
            {
                int read = disk.Read(file, buffer[done..], offset + done);
                if (read == 0)
                {
                    break;
                }

                done += read;
            }
        }

        buffer[done..].Clear();
    }

    /// <summary>Names of the files that hold nothing from an address on.</summary>
    public IEnumerable<(int Segment, string File)> Before(long address)
    {
        string prefix = Path.GetFileName(path) + ".";
        foreach (string file in Directory.EnumerateFiles(Path.GetDirectoryName(path)!, prefix + "*"))
        {
            if (int.TryParse(Path.GetFileName(file).AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int segment)
                && (segment + 1L) * SegmentBytes <= address)
            {
                yield return (segment, file);
            }
        }
    }

    /// <summary>Closes the file of a segment, if it is open.</summary>
    public void Close(int segment)
    {
        if (_open.TryRemove(segment, out DiskFile? open))
        {
            open.Dispose();
        }
    }

    public void Dispose()
    {
        foreach (DiskFile file in _open.Values)
        {
            file.Dispose();
        }

        _open.Clear();
    }

    /// <summary>The file of a segment; null when there is none, and none is made.</summary>
    private DiskFile? Find(int segment) =>
        _open.TryGetValue(segment, out DiskFile? open) ? open
        : File.Exists(PathOf(segment)) ? Open(segment)
        : null;

    private DiskFile OpenCore(int segment)
    {
        string name = PathOf(segment);
        bool isNew = !File.Exists(name);
        DiskFile file = disk.Open(name, FileMode.OpenOrCreate, FileShare.ReadWrite | FileShare.Delete, writeThrough);
        if (isNew && flushesNames)
        {
            try
            {
                // Writing through makes the content durable, not the name.
                disk.FlushDirectory(Path.GetDirectoryName(name)!);
            }
            catch
            {
                // It is made anew the next time, for a second flush alone would prove nothing.
                file.Dispose();
                disk.Delete(name);
                throw;
            }
        }

        return file;
    }
}
