namespace Moorcheh.Tests.Faults;

/// <summary>
/// What a disk promises, and no more. A change of a file's bytes is durable when a flush that began after it returns, or when it returns
/// itself and was written through; a name (created, renamed, removed) when a flush of its directory that began after it returns. All else
/// may be there after a power cut or not, in any combination, bytes in units of a sector.
/// </summary>
internal sealed class DiskModel
{
    private const int SectorBytes = 512;

    private readonly Dictionary<int, ModelFile> _files = [];
    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
    private readonly HashSet<string> _directories = new(StringComparer.Ordinal);
    private readonly Dictionary<int, (int File, List<Change> Changes)> _flushes = [];
    private readonly Dictionary<int, List<NameChange>> _directoryFlushes = [];
    private List<NameChange> _pendingNames = [];

    /// <summary>Greater than any id in it.</summary>
    public int NextId { get; private set; }

    public DiskModel Clone()
    {
        var clone = new DiskModel { NextId = NextId, _pendingNames = [.. _pendingNames] };
        foreach ((int id, ModelFile file) in _files)
        {
            clone._files.Add(id, new ModelFile(file.Durable.Clone(), [.. file.Pending.Select(change => change with { })]));
        }

        foreach ((string path, int file) in _names)
        {
            clone._names.Add(path, file);
        }

        clone._directories.UnionWith(_directories);
        return clone;
    }

    public void Apply(DiskEvent happened)
    {
        switch (happened)
        {
            case DiskEvent.DirectoryCreated e:
                _pendingNames.Add(new NameChange(ParentOf(e.Path), null, null, e.Path, 0));
                break;
            case DiskEvent.Created e:
                _files.Add(e.File, new ModelFile(new SparseBytes(), []));
                _pendingNames.Add(new NameChange(ParentOf(e.Path), null, e.Path, null, e.File));
                NextId = Math.Max(NextId, e.File + 1);
                break;
            case DiskEvent.Renamed e:
                _pendingNames.Add(new NameChange(ParentOf(e.To), e.From, e.To, null, View()[e.From]));
                break;
            case DiskEvent.Removed e:
                _pendingNames.Add(new NameChange(ParentOf(e.Path), e.Path, null, null, 0));
                break;
            case DiskEvent.WriteBegun e:
                _files[e.File].Pending.Add(new Change(e.Id, e.Offset, e.Bytes, e.WriteThrough));
                NextId = Math.Max(NextId, e.Id + 1);
                break;
            case DiskEvent.LengthBegun e:
                _files[e.File].Pending.Add(new Change(e.Id, e.Length, null, false));
                NextId = Math.Max(NextId, e.Id + 1);
                break;
            case DiskEvent.ChangeDone e:
                Change done = _files[e.File].Pending.Single(change => change.Id == e.Id);
                done.IsDone = true;
                if (done.WriteThrough)
                {
                    // It takes the file's earlier changes of length along: they are needed to read it.
                    List<Change> durable = [.. _files[e.File].Pending.TakeWhile(change => change != done).Where(change => change.Bytes is null && change.IsDone), done];
                    _files[e.File].MakeDurable(durable);
                }

                break;
            case DiskEvent.FlushBegun e:
                _flushes.Add(e.Id, (e.File, [.. _files[e.File].Pending.Where(change => change.IsDone)]));
                NextId = Math.Max(NextId, e.Id + 1);
                break;
            case DiskEvent.FlushDone e:
                _flushes.Remove(e.Id, out (int File, List<Change> Changes) flush);
                _files[flush.File].MakeDurable(flush.Changes);
                break;
            case DiskEvent.DirectoryFlushBegun e:
                _directoryFlushes.Add(e.Id, [.. _pendingNames.Where(change => change.Directory == e.Path)]);
                NextId = Math.Max(NextId, e.Id + 1);
                break;
            case DiskEvent.DirectoryFlushDone e:
                _directoryFlushes.Remove(e.Id, out List<NameChange>? names);
                foreach (NameChange change in names!.Where(change => _pendingNames.Contains(change)))
                {
                    Apply(change, _names, _directories);
                }

                _pendingNames.RemoveAll(names!.Contains);
                break;
        }
    }

    /// <summary>What the process itself sees: everything that was done.</summary>
    public Dictionary<string, int> View()
    {
        var names = new Dictionary<string, int>(_names, StringComparer.Ordinal);
        var directories = new HashSet<string>(_directories, StringComparer.Ordinal);
        foreach (NameChange change in _pendingNames)
        {
            Apply(change, names, directories);
        }

        return names;
    }

    /// <summary>The disk after a power cut; all of it is durable.</summary>
    public DiskModel CutPower(Random random)
    {
        var image = new DiskModel { NextId = NextId };
        double names = random.Next(3) * 0.5;
        double writes = random.Next(3) * 0.5;
        bool tears = random.Next(2) == 0;
        foreach ((string path, int file) in _names)
        {
            image._names.Add(path, file);
        }

        image._directories.UnionWith(_directories);
        foreach (NameChange change in _pendingNames.Where(_ => random.NextDouble() < names))
        {
            Apply(change, image._names, image._directories);
        }

        foreach (string path in image._names.Keys.Where(path => !Exists(ParentOf(path), image._directories)).ToList())
        {
            image._names.Remove(path);
        }

        foreach (int id in image._names.Values)
        {
            SparseBytes content = _files[id].Durable.Clone();
            foreach (Change change in _files[id].Pending)
            {
                Happen(change, content, random, writes, tears);
            }

            image._files.Add(id, new ModelFile(content, []));
        }

        return image;
    }

    /// <summary>The disk after the process was killed: what it had done is in the system's memory, and still not durable.</summary>
    public DiskModel Kill(Random random)
    {
        DiskModel clone = Clone();
        foreach (ModelFile file in clone._files.Values)
        {
            file.Pending.RemoveAll(change => !change.IsDone && random.Next(2) == 0);
            foreach (Change change in file.Pending)
            {
                change.IsDone = true;
            }
        }

        return clone;
    }

    /// <summary>Writes the files as a process that starts now would see them.</summary>
    public void Save(string directory)
    {
        var directories = new HashSet<string>(_directories, StringComparer.Ordinal);
        var names = new Dictionary<string, int>(_names, StringComparer.Ordinal);
        foreach (NameChange change in _pendingNames)
        {
            Apply(change, names, directories);
        }

        foreach (string path in directories.Order(StringComparer.Ordinal))
        {
            Directory.CreateDirectory(Path.Combine(directory, path));
        }

        foreach ((string path, int id) in names)
        {
            SparseBytes content = _files[id].Durable;
            if (_files[id].Pending.Count > 0)
            {
                content = content.Clone();
                foreach (Change change in _files[id].Pending)
                {
                    change.ApplyTo(content);
                }
            }

            content.Save(Path.Combine(directory, path));
        }
    }

    private static string ParentOf(string path) => Path.GetDirectoryName(path) ?? string.Empty;

    private static bool Exists(string directory, HashSet<string> directories) =>
        directory.Length == 0 || (directories.Contains(directory) && Exists(ParentOf(directory), directories));

    private static void Apply(NameChange change, Dictionary<string, int> names, HashSet<string> directories)
    {
        if (change.Directories is { } directory)
        {
            directories.Add(directory);
            return;
        }

        if (change.Removed is { } removed)
        {
            names.Remove(removed);
        }

        if (change.Set is { } set)
        {
            names[set] = change.File;
        }
    }

    private static void Happen(Change change, SparseBytes content, Random random, double chance, bool tears)
    {
        if (change.Bytes is null || !tears)
        {
            if (random.NextDouble() < chance)
            {
                change.ApplyTo(content);
            }
            else if (change.Bytes is not null && random.Next(4) == 0)
            {
                content.SetLength(Math.Max(content.Length, change.Offset + change.Bytes.Length)); // The length, but not the bytes.
            }

            return;
        }

        for (int start = 0; start < change.Bytes.Length;)
        {
            int count = (int)Math.Min(SectorBytes - ((change.Offset + start) % SectorBytes), change.Bytes.Length - start);
            if (random.NextDouble() < chance)
            {
                content.Write(change.Offset + start, change.Bytes.AsSpan(start, count));
            }

            start += count;
        }
    }

    /// <summary>A change of names in one directory, atomic.</summary>
    /// <param name="Directory">Whose flush makes it durable.</param>
    /// <param name="Removed">A name that goes.</param>
    /// <param name="Set">A name that comes.</param>
    /// <param name="Directories">A directory that comes.</param>
    /// <param name="File">What the name stands for.</param>
    private sealed record NameChange(string Directory, string? Removed, string? Set, string? Directories, int File)
    {
        public bool Equals(NameChange? other) => ReferenceEquals(this, other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
    }

    /// <summary>A write, or a change of length to <paramref name="Offset"/> when there are no bytes; in the order of their beginning.</summary>
    private sealed record Change(int Id, long Offset, byte[]? Bytes, bool WriteThrough)
    {
        public bool IsDone { get; set; }

        private long End => Offset + (Bytes?.Length ?? 0);

        /// <summary>The parts of an earlier change that can still happen after this one: in the system's memory the later one is on top.</summary>
        public IEnumerable<Change> LeavesOf(Change earlier)
        {
            if (earlier.Bytes is null || !earlier.IsDone)
            {
                return [earlier];
            }

            long end = Bytes is null ? long.MaxValue : End;
            return ((Change[])[earlier.Part(earlier.Offset, Math.Min(earlier.End, Offset)), earlier.Part(Math.Max(earlier.Offset, end), earlier.End)])
                .Where(part => part.Bytes!.Length > 0);
        }

        private Change Part(long from, long to) => from >= to
            ? this with { Bytes = [] }
            : this with { Offset = from, Bytes = Bytes![(int)(from - Offset)..(int)(to - Offset)] };

        public void ApplyTo(SparseBytes content)
        {
            if (Bytes is null)
            {
                content.SetLength(Offset);
            }
            else
            {
                content.Write(Offset, Bytes);
            }
        }
    }

    private sealed class ModelFile(SparseBytes durable, List<Change> pending)
    {
        public SparseBytes Durable { get; } = durable;

        public List<Change> Pending { get; } = pending;

        public void MakeDurable(List<Change> changes)
        {
            foreach (int id in changes.Select(change => change.Id))
            {
                // Nothing is left of one that another flush took, and parts of one that later ones wrote over.
                for (int at = Pending.FindIndex(pending => pending.Id == id); at >= 0; at = Pending.FindIndex(pending => pending.Id == id))
                {
                    Change change = Pending[at];
                    Pending.RemoveAt(at);
                    change.ApplyTo(Durable);
                    List<Change> earlier = [.. Pending.Take(at).SelectMany(change.LeavesOf)];
                    Pending.RemoveRange(0, at);
                    Pending.InsertRange(0, earlier);
                }
            }
        }
    }
}
