namespace Moorcheh.Artifacts.Tasks;

/// <summary>
/// Unfinished tasks, of each artifact in the order accepted. <see cref="Lock"/> is held while a task's first and last entries are appended to
/// the journal, so that their order there is the order here.
/// </summary>
internal sealed class ArtifactQueue
{
    private readonly Dictionary<ArtifactKey, ArtifactLine> _lines = [];

    public Lock Lock { get; } = new();

    /// <summary>Unfinished tasks; those of one artifact in order. Call with the lock.</summary>
    public IEnumerable<ArtifactTaskEntry> All => _lines.Values.SelectMany(line => line.Tasks);

    /// <summary>Unfinished tasks of an artifact in order. Call with the lock.</summary>
    public IReadOnlyCollection<ArtifactTaskEntry> Of(ArtifactKey key) => _lines.TryGetValue(key, out ArtifactLine? line) ? line.Tasks : [];

    /// <summary>Puts a task at the end of its line. Call with the lock.</summary>
    public void Add(ArtifactTaskEntry task)
    {
        if (!_lines.TryGetValue(task.Key, out ArtifactLine? line))
        {
            _lines[task.Key] = line = new ArtifactLine(task.Key);
        }

        line.Tasks.AddLast(task);
    }

    /// <summary>Takes a task out of its line.</summary>
    public void Remove(ArtifactTaskEntry task)
    {
        lock (Lock)
        {
            if (_lines.TryGetValue(task.Key, out ArtifactLine? line))
            {
                line.Tasks.Remove(task);
                Tidy(line);
            }
        }
    }

    /// <summary>Takes the line of an artifact for a worker; null when a worker has it or there is nothing to do.</summary>
    public ArtifactLine? TryTake(ArtifactKey key)
    {
        lock (Lock)
        {
            if (!_lines.TryGetValue(key, out ArtifactLine? line) || line.IsTaken || !HasWork(line))
            {
                return null;
            }

            line.IsTaken = true;
            return line;
        }
    }

    /// <summary>The task whose turn it is in a line that was taken; null when the line was given back because there is none.</summary>
    public ArtifactTaskEntry? Next(ArtifactLine line)
    {
        lock (Lock)
        {
            if (HasWork(line))
            {
                return line.Tasks.First!.Value;
            }

            line.IsTaken = false;
            Tidy(line);
            return null;
        }
    }

    /// <summary>Gives a line back whose first task cannot go on for now.</summary>
    public void GiveBack(ArtifactLine line)
    {
        lock (Lock)
        {
            line.IsTaken = false;
            Tidy(line);
        }
    }

    /// <summary>A task that is being accepted, or perhaps revoked, is its acceptor's: that one wakes the line.</summary>
    private static bool HasWork(ArtifactLine line) => line.Tasks.First?.Value is { IsReady: true, Revoker: null };

    private void Tidy(ArtifactLine line)
    {
        if (line.Tasks.Count == 0 && !line.IsTaken)
        {
            _lines.Remove(line.Key);
        }
    }
}

/// <summary>The unfinished tasks of one artifact.</summary>
internal sealed class ArtifactLine(ArtifactKey key)
{
    public ArtifactKey Key { get; } = key;

    public LinkedList<ArtifactTaskEntry> Tasks { get; } = [];

    /// <summary>Times in a row that its first task met <see cref="Storage.DiskTrouble"/>; for the worker that has the line.</summary>
    public int TroubledSteps { get; set; }

    /// <summary>True while a worker has it or it waits for one.</summary>
    public bool IsTaken { get; set; }
}
