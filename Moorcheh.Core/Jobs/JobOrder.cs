using System.Diagnostics.CodeAnalysis;

namespace Moorcheh.Jobs;

/// <summary>The jobs of a kind in the order of the list, with a list of its own of what a filter may ask for. Guarded by <see cref="JobLists"/>.</summary>
internal sealed class JobOrder(bool isListed)
{
    private readonly SortedSet<JobPlace> _all = new(JobPlace.Order);
    private readonly SortedSet<JobPlace> _unfinished = new(JobPlace.Order);
    private readonly SortedSet<JobPlace> _notCompleted = new(JobPlace.Order);
    private readonly Dictionary<string, SortedSet<JobPlace>> _byNamespace = new(StringComparer.Ordinal);

    /// <summary>True when they are listed for whoever asks for no kind.</summary>
    public bool IsListed { get; } = isListed;

    public void Add(JobEntry job)
    {
        var place = JobPlace.Of(job);
        _all.Add(place);
        if (!_byNamespace.TryGetValue(job.Status.Namespace, out SortedSet<JobPlace>? ofNamespace))
        {
            _byNamespace[job.Status.Namespace] = ofNamespace = new SortedSet<JobPlace>(JobPlace.Order);
        }

        ofNamespace.Add(place);
        if (!job.IsFinished)
        {
            _unfinished.Add(place);
        }

        if (job.Status.State != JobState.Completed)
        {
            _notCompleted.Add(place);
        }
    }

    /// <summary>Notes that a job has finished, which its status says already.</summary>
    public void Finish(JobEntry job)
    {
        var place = JobPlace.Of(job);
        _unfinished.Remove(place);
        if (job.Status.State == JobState.Completed)
        {
            _notCompleted.Remove(place);
        }
    }

    public void Remove(JobEntry job)
    {
        var place = JobPlace.Of(job);
        _all.Remove(place);
        _unfinished.Remove(place);
        _notCompleted.Remove(place);
        if (_byNamespace.TryGetValue(job.Status.Namespace, out SortedSet<JobPlace>? ofNamespace) && ofNamespace.Remove(place) && ofNamespace.Count == 0)
        {
            _byNamespace.Remove(job.Status.Namespace);
        }
    }

    /// <summary>Those that a filter lets through.</summary>
    public IReadOnlyList<JobStatus> List(JobFilter filter)
    {
        List<JobStatus> found = [];
        if (!TryChoose(filter, out SortedSet<JobPlace>? places))
        {
            return found;
        }

        JobPlace? after = filter.After is { } key ? JobPlace.Of(key.StartedAt, key.Id) : null;
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

        return found;
    }

    // Who was told the id of one that may not be on disk can find it.
    private static bool Matches(JobFilter filter, JobStatus job) =>
        job.IsAccepted
        && (filter.Namespace is null || job.Namespace == filter.Namespace)
        && (filter.State is null || job.State == filter.State);

    /// <summary>The shortest list that has all that a filter lets through; false when there is none.</summary>
    private bool TryChoose(JobFilter filter, [NotNullWhen(true)] out SortedSet<JobPlace>? places)
    {
        SortedSet<JobPlace>? ofNamespace = null;
        if (filter.Namespace is { } name && !_byNamespace.TryGetValue(name, out ofNamespace))
        {
            places = null;
            return false;
        }

        SortedSet<JobPlace> ofState = filter.State switch
        {
            JobState.Running => _unfinished,
            JobState.Failed => _notCompleted, // Whoever has read that one failed finds it, before it is noted here.
            _ => _all,
        };
        places = ofNamespace is not null && ofNamespace.Count < ofState.Count ? ofNamespace : ofState;
        return true;
    }
}
