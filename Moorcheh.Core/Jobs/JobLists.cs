using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Moorcheh.Artifacts.Tasks;

namespace Moorcheh.Jobs;

/// <summary>
/// Jobs by id, in the order of the list, and the finished ones by age, so that neither listing nor forgetting takes longer the more are kept. Finished
/// tasks count with the jobs, but are not listed. Safe for use from several threads.
/// </summary>
internal sealed class JobLists(int maxFinished)
{
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<Guid, JobEntry> _byId = new();
    private readonly HashSet<JobEntry> _unfinished = [];
    private readonly SortedSet<JobEntry> _finished = new(Comparer<JobEntry>.Create(CompareAge));
    private readonly SortedSet<JobPlace> _listed = new(JobPlace.Order);
    private readonly SortedSet<JobPlace> _listedUnfinished = new(JobPlace.Order);
    private readonly SortedSet<JobPlace> _deletes = new(JobPlace.Order);
    private readonly Dictionary<string, SortedSet<JobPlace>> _byNamespace = new(StringComparer.Ordinal);

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

            if (job is ArtifactTaskEntry)
            {
                return;
            }

            var place = JobPlace.Of(job);
            _listed.Add(place);
            if (!job.IsFinished)
            {
                _listedUnfinished.Add(place);
            }

            if (job is DeleteJobEntry)
            {
                _deletes.Add(place);
            }

            if (!_byNamespace.TryGetValue(job.Status.NamespaceName, out SortedSet<JobPlace>? ofNamespace))
            {
                _byNamespace[job.Status.NamespaceName] = ofNamespace = new SortedSet<JobPlace>(JobPlace.Order);
            }

            ofNamespace.Add(place);
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
                _listedUnfinished.Remove(JobPlace.Of(job));
                _finished.Add(job);
            }

            return Retire(DateTimeOffset.MinValue);
        }
    }

    /// <summary>Forgets finished jobs that are older than a time, or too many.</summary>
    /// <returns>The forgotten ones.</returns>
    public IReadOnlyList<JobEntry> Retire(DateTimeOffset oldest)
    {
        lock (_lock)
        {
            List<JobEntry> retired = [];
            while (_finished.Min is { } first && (_finished.Count > maxFinished || first.Status.FinishedAt < oldest))
            {
                RemoveInside(first);
                retired.Add(first);
            }

            return retired;
        }
    }

    /// <summary>The jobs that a filter lets through, in the order of the list.</summary>
    public IReadOnlyList<JobStatus> List(JobFilter filter)
    {
        List<JobStatus> found = [];
        lock (_lock)
        {
            if (!TryChoose(filter, out SortedSet<JobPlace>? places))
            {
                return found;
            }

            JobPlace? after = filter.After is { } key ? JobPlace.Of(key.StartedAt, key.JobId) : null;
            foreach (JobPlace place in after is { } from ? places.GetViewBetween(from, JobPlace.Last) : places)
            {
                JobStatus status = place.Job!.Status;
                if (Matches(filter, status) && (after is null || JobPlace.Order.Compare(place, after.Value) != 0))
                {
                    found.Add(status);
                    if (found.Count == filter.Limit)
                    {
                        break;
                    }
                }
            }
        }

        return found;
    }

    // Who was told the id of one that may not be on disk can find it.
    private static bool Matches(JobFilter filter, JobStatus job) =>
        job.IsAccepted
        && (filter.NamespaceName is null || job.NamespaceName == filter.NamespaceName)
        && (filter.Kind is null || job.Kind == filter.Kind)
        && (filter.State is null || job.State == filter.State);

    private static int CompareAge(JobEntry x, JobEntry y) =>
        Nullable.Compare(x.Status.FinishedAt, y.Status.FinishedAt) is var age and not 0 ? age : x.Id.CompareTo(y.Id);

    /// <summary>The shortest list that has all that a filter lets through; false when there is none. Only deletes fail.</summary>
    private bool TryChoose(JobFilter filter, [NotNullWhen(true)] out SortedSet<JobPlace>? places)
    {
        SortedSet<JobPlace>? ofNamespace = null;
        if (filter.NamespaceName is { } name && !_byNamespace.TryGetValue(name, out ofNamespace))
        {
            places = null;
            return false;
        }

        places = new[]
        {
            ofNamespace ?? _listed,
            filter.State == JobState.Running ? _listedUnfinished : _listed,
            filter.Kind == JobKind.Delete || filter.State == JobState.Failed ? _deletes : _listed,
        }.MinBy(list => list.Count)!;
        return true;
    }

    private bool RemoveInside(JobEntry job)
    {
        if (!_byId.TryRemove(job.Id, out _))
        {
            return false;
        }

        _unfinished.Remove(job);
        _finished.Remove(job);
        if (job is ArtifactTaskEntry)
        {
            return true;
        }

        var place = JobPlace.Of(job);
        _listed.Remove(place);
        _listedUnfinished.Remove(place);
        _deletes.Remove(place);
        if (_byNamespace.TryGetValue(job.Status.NamespaceName, out SortedSet<JobPlace>? ofNamespace) && ofNamespace.Remove(place) && ofNamespace.Count == 0)
        {
            _byNamespace.Remove(job.Status.NamespaceName);
        }

        return true;
    }
}
