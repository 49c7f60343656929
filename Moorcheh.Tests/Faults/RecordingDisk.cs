using System.Runtime.CompilerServices;
using Moorcheh.Storage;

namespace Moorcheh.Tests.Faults;

/// <summary>Writes down everything that is done to files below a directory, in order.</summary>
internal sealed class RecordingDisk : VolatileDisk
{
    private readonly Lock _lock = new();
    private readonly string _root;
    private readonly List<DiskEvent> _events = [];
    private readonly Dictionary<string, int> _names;
    private readonly ConditionalWeakTable<DiskFile, object> _files = [];
    private int _nextId;

    /// <param name="root">The directory that is watched; it holds what <paramref name="start"/> says.</param>
    /// <param name="start">The disk as it is.</param>
    public RecordingDisk(string root, DiskModel start)
    {
        _root = root;
        Start = start;
        _names = start.View();
        _nextId = start.NextId;
    }

    public DiskModel Start { get; }

    /// <summary>How much has happened so far.</summary>
    public int Position
    {
        get
        {
            lock (_lock)
            {
                return _events.Count;
            }
        }
    }

    /// <summary>Of a recording that has ended.</summary>
    public IReadOnlyList<DiskEvent> Events => _events;

    public override void CreateDirectory(string path)
    {
        lock (_lock)
        {
            for (string? missing = path; missing is not null && !Directory.Exists(missing); missing = Path.GetDirectoryName(missing))
            {
                _events.Add(new DiskEvent.DirectoryCreated(Relative(missing)));
            }
        }

        base.CreateDirectory(path);
    }

    public override DiskFile Open(string path, FileMode mode, FileShare share, bool writeThrough)
    {
        lock (_lock)
        {
            string name = Relative(path);
            bool isNew = !_names.TryGetValue(name, out int id);
            Assert.That(File.Exists(path), Is.Not.EqualTo(isNew), path);
            DiskFile file = base.Open(path, mode, share, writeThrough);
            if (isNew)
            {
                id = _nextId++;
                _names.Add(name, id);
                _events.Add(new DiskEvent.Created(name, id));
            }
            else if (mode is FileMode.Create or FileMode.Truncate)
            {
                int change = _nextId++;
                _events.Add(new DiskEvent.LengthBegun(change, id, 0));
                _events.Add(new DiskEvent.ChangeDone(change, id));
            }

            _files.Add(file, id);
            return file;
        }
    }

    public override void Write(DiskFile file, ReadOnlySpan<byte> bytes, long offset)
    {
        int id = IdOf(file);
        byte[] copy = bytes.ToArray();
        int change = Add(next => new DiskEvent.WriteBegun(next, id, offset, copy, file.WriteThrough));
        base.Write(file, bytes, offset);
        Add(_ => new DiskEvent.ChangeDone(change, id));
    }

    public override void SetLength(DiskFile file, long length)
    {
        int id = IdOf(file);
        int change = Add(next => new DiskEvent.LengthBegun(next, id, length));
        base.SetLength(file, length);
        Add(_ => new DiskEvent.ChangeDone(change, id));
    }

    public override void Flush(DiskFile file)
    {
        int flush = Add(next => new DiskEvent.FlushBegun(next, IdOf(file)));
        Add(_ => new DiskEvent.FlushDone(flush));
    }

    public override void FlushDirectory(string path)
    {
        int flush = Add(next => new DiskEvent.DirectoryFlushBegun(next, Relative(path)));
        Add(_ => new DiskEvent.DirectoryFlushDone(flush));
    }

    public override void Move(string from, string to)
    {
        lock (_lock)
        {
            _events.Add(new DiskEvent.Renamed(Relative(from), Relative(to)));
            _names.Remove(Relative(from), out int id);
            _names[Relative(to)] = id;
            base.Move(from, to);
        }
    }

    public override void Delete(string path)
    {
        lock (_lock)
        {
            if (_names.Remove(Relative(path)))
            {
                _events.Add(new DiskEvent.Removed(Relative(path)));
            }

            base.Delete(path);
        }
    }

    private int Add(Func<int, DiskEvent> happened)
    {
        lock (_lock)
        {
            int id = _nextId++;
            _events.Add(happened(id));
            return id;
        }
    }

    private int IdOf(DiskFile file) => _files.TryGetValue(file, out object? id) ? (int)id : throw new InvalidOperationException(file.Path);

    private string Relative(string path) => Path.GetRelativePath(_root, path) is var relative && relative == "." ? string.Empty : relative;
}
