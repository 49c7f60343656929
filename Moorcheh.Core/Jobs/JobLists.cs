using System.Collections.Concurrent;

namespace Moorcheh.Jobs;

/// <summary>
/// Jobs by id, in the order of the lists, and the finished ones by age, so that neither listing nor forgetting takes longer the more are kept. All finished
/// jobs count against the bound, listed or not. Safe for use from several threads.
/// </summary>
internal sealed class JobLists(int maxFinished)
{
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<Guid, JobEntry> _byId = new();
    private readonly HashSet<JobEntry> _unfinished = [];
    private readonly SortedSet<JobEntry> _finished = new(Comparer<JobEntry>.Create(CompareAge));
    private readonly Dictionary<JobKind, JobOrder> _byKind = [];

    public IEnumerable<JobEntry> All => _byId.Values;

    /// <summary>Those that have not finished, of this moment.</summary>
    public IReadOnlyList<JobEntry> Unfinished
    {
        get
        {
            lock (_lock)
            {
                return [.. _unfinished];
            }
        }
    }

    public int UnfinishedCount
    {
        get
        {
            lock (_lock)
            {
                return _unfinished.Count;
            }
        }
    }

    public JobEntry? Find(Guid id) => _byId.GetValueOrDefault(id);

    /// <summary>Adds a job, or nothing when it is there.</summary>
    public void Add(JobEntry job)
    {
        lock (_lock)
        {
            if (!_byId.TryAdd(job.Id, job))
            {
                return;
            }

            if (job.IsFinished)
            {
                _finished.Add(job);
            }
            else
            {
                _unfinished.Add(job);
            }

            OrderOf(job)?.Add(job);
        }
    }

    /// <summary>Removes a job.</summary>
    /// <returns>False when it was not there.</returns>
    public bool Remove(JobEntry job)
    {
        lock (_lock)
        {
            return RemoveInside(job);
        }
    }

    /// <summary>Notes that a job has finished, which its status says already.</summary>
    /// <returns>Finished jobs that are forgotten for it: the oldest of those beyond the limit.</returns>
    public IReadOnlyList<JobEntry> Finish(JobEntry job)
    {
        lock (_lock)
        {
            if (_unfinished.Remove(job))
            {
                _finished.Add(job);
                OrderOf(job)?.Finish(job);
            }

            return RetireInside(DateTimeOffset.MinValue);
        }
    }

    /// <summary>Forgets finished jobs that are older than a time, or too many.</summary>
    /// <returns>The forgotten ones.</returns>
    public IReadOnlyList<JobEntry> Retire(DateTimeOffset oldest)
    {
        lock (_lock)
        {
            return RetireInside(oldest);
        }
    }

    /// <summary>The jobs that a filter lets through, in the order of the list.</summary>
    public IReadOnlyList<JobStatus> List(JobFilter filter)
    {
        lock (_lock)
        {
            if (filter.Kind is { } kind)
            {
                return _byKind.TryGetValue(kind, out JobOrder? ofKind) ? ofKind.List(filter) : [];
            }

            // As many of each kind as are wanted in all.
            return [.. _byKind.Values.Where(order => order.IsListed).SelectMany(order => order.List(filter)).OrderBy(JobPlace.Of, JobPlace.Order).Take(filter.Limit)];
        }
    }

    private static int CompareAge(JobEntry x, JobEntry y) =>
        Nullable.Compare(x.Status.FinishedAt, y.Status.FinishedAt) is var age and not 0 ? age : x.Id.CompareTo(y.Id);

    /// <summary>The list that a job is in; null when nobody is to find it.</summary>
    private JobOrder? OrderOf(JobEntry job)
    {
        if (job.Visibility == JobVisibility.Hidden)
        {
            return null;
        }

        if (!_byKind.TryGetValue(job.Status.Kind, out JobOrder? order))
        {
            _byKind[job.Status.Kind] = order = new JobOrder(job.Visibility == JobVisibility.Listed);
        }

        return order;
    }

    private List<JobEntry> RetireInside(DateTimeOffset oldest)
    {
        List<JobEntry> retired = [];
        while (_finished.Min is { } first && (_finished.Count > maxFinished || first.Status.FinishedAt < oldest))
        {
            RemoveInside(first);
            retired.Add(first);
        }

        return retired;
    }

    private bool RemoveInside(JobEntry job)
    {
        if (!_byId.TryRemove(job.Id, out _))
        {
            return false;
        }

        _unfinished.Remove(job);
        _finished.Remove(job);
        OrderOf(job)?.Remove(job);

        return true;
    }
}
