using System.Collections.Concurrent;
using Moorcheh.Storage;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// A disk below a cache, as a kernel keeps it: what is written can be read at once, and is on disk after a flush or when it was written through. What a flush that
/// fails had to write counts as written from then on, though it never reaches the disk. A second directory holds what is on disk.
/// </summary>
/// <param name="root">The directory that is watched.</param>
/// <param name="durable">What a power cut leaves of it. Names are durable at once.</param>
internal sealed class DroppingDisk(string root, string durable) : VolatileDisk
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<(long Offset, byte[] Bytes)>> _cached = [];

    /// <summary>Says of a file or directory, by its path, whether its flush fails and with what number.</summary>
    public Func<string, int?> Fails { get; set; } = _ => null;

    /// <summary>True for a system that also forgets what it could not write: then what is on disk is read.</summary>
    public bool Forgets { get; set; }

    public ConcurrentQueue<string> FailedFlushes { get; } = [];

    public override DiskFile Open(string path, FileMode mode, FileShare share, bool writeThrough)
    {
        lock (_lock)
        {
            DiskFile file = base.Open(path, mode, share, writeThrough);
            if (mode != FileMode.Open)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Durable(path))!);
                using FileStream _ = new(Durable(path), mode == FileMode.CreateNew ? FileMode.Create : mode);
            }

            return file;
        }
    }

    public override void Write(DiskFile file, ReadOnlySpan<byte> bytes, long offset)
    {
        lock (_lock)
        {
            base.Write(file, bytes, offset);
            if (file.WriteThrough)
            {
                Keep(file.Path, [(offset, bytes.ToArray())]);
            }
            else
            {
                Cached(file.Path).Add((offset, bytes.ToArray()));
            }
        }
    }

    public override void SetLength(DiskFile file, long length)
    {
        lock (_lock)
        {
            base.SetLength(file, length);
            using FileStream onDisk = new(Durable(file.Path), FileMode.Open);
            onDisk.SetLength(length);
        }
    }

    public override void Flush(DiskFile file)
    {
        lock (_lock)
        {
            List<(long Offset, byte[] Bytes)> cached = Cached(file.Path);
            if (Fails(file.Path) is { } error)
            {
                foreach ((long offset, byte[] bytes) in Forgets ? cached : [])
                {
                    RandomAccess.Write(file.Handle, OnDisk(file.Path, offset, bytes.Length), offset);
                }

                cached.Clear();
                FailedFlushes.Enqueue(file.Path);
                throw new FlushException(file.Path, error);
            }

            Keep(file.Path, cached);
            cached.Clear();
        }
    }

    public override void FlushDirectory(string path)
    {
        if (Fails(path) is { } error)
        {
            FailedFlushes.Enqueue(path);
            throw new FlushException(path, error);
        }
    }

    public override void Move(string from, string to)
    {
        lock (_lock)
        {
            base.Move(from, to);
            File.Move(Durable(from), Durable(to), overwrite: true);
            _cached[to] = Cached(from);
            _cached.Remove(from);
        }
    }

    public override void Delete(string path)
    {
        lock (_lock)
        {
            base.Delete(path);
            _cached.Remove(path);
            if (File.Exists(Durable(path)))
            {
                File.Delete(Durable(path));
            }
        }
    }

    private List<(long Offset, byte[] Bytes)> Cached(string path)
    {
        if (!_cached.TryGetValue(path, out List<(long, byte[])>? writes))
        {
            _cached.Add(path, writes = []);
        }

        return writes;
    }

    private byte[] OnDisk(string path, long offset, int length)
    {
        byte[] bytes = new byte[length];
        using FileStream onDisk = new(Durable(path), FileMode.Open);
        onDisk.Position = offset;
        onDisk.ReadAtLeast(bytes, length, throwOnEndOfStream: false);
        return bytes;
    }

    private void Keep(string path, List<(long Offset, byte[] Bytes)> writes)
    {
        using FileStream onDisk = new(Durable(path), FileMode.Open);
        foreach ((long offset, byte[] bytes) in writes)
        {
            onDisk.Position = offset;
            onDisk.Write(bytes);
        }
    }

    private string Durable(string path) => Path.Combine(durable, Path.GetRelativePath(root, path));
}
