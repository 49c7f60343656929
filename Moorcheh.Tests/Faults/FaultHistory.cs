namespace Moorcheh.Tests.Faults;

internal enum FaultMoment
{
    Begun,
    Acknowledged,

    /// <summary>The job was seen to be over.</summary>
    Finished,
}

/// <summary>Something a client knows.</summary>
/// <param name="Position">When, on the scale of whoever keeps the history.</param>
/// <param name="Step">Step of the workload.</param>
/// <param name="Operation">Operation of the step.</param>
/// <param name="Moment">What happened to it.</param>
/// <param name="JobId">The job it started, once that is known.</param>
internal sealed record FaultNote(long Position, int Step, int Operation, FaultMoment Moment, string? JobId);

/// <summary>The oracle of one namespace: what was begun and what was acknowledged, and the states that allows.</summary>
/// <param name="workload">What is done.</param>
/// <param name="initial">The items before; null when there is no namespace.</param>
internal sealed class FaultHistory(FaultWorkload workload, Dictionary<string, int>? initial)
{
    private readonly Lock _lock = new();
    private readonly List<FaultNote> _notes = [];

    public FaultWorkload Workload { get; } = workload;

    public void Add(FaultNote note)
    {
        lock (_lock)
        {
            _notes.Add(note);
        }
    }

    /// <summary>What was known at a moment.</summary>
    public IReadOnlyList<FaultNote> Until(long position)
    {
        lock (_lock)
        {
            return [.. _notes.Where(note => note.Position <= position)];
        }
    }

    /// <summary>
    /// All states after a crash at a moment, once the jobs have ended: everything acknowledged, and of what was only begun each operation as
    /// a whole or not at all.
    /// </summary>
    public IEnumerable<Dictionary<string, int>?> Allowed(long position)
    {
        IReadOnlyList<FaultNote> notes = Until(position);
        if (notes.Count == 0)
        {
            return [initial];
        }

        int last = notes.Max(note => note.Step);
        Dictionary<string, int>? before = initial;
        for (int step = 0; step < last; step++)
        {
            foreach (FaultOperation operation in Workload.Step(step).Operations)
            {
                before = operation.ApplyTo(before);
            }
        }

        IReadOnlyList<FaultOperation> operations = Workload.Step(last).Operations;
        HashSet<int> begun = [.. notes.Where(note => note.Step == last).Select(note => note.Operation)];
        HashSet<int> acknowledged = [.. notes.Where(note => note.Step == last && note.Moment != FaultMoment.Begun).Select(note => note.Operation)];
        List<Dictionary<string, int>?> states = [];
        for (int subset = 0; subset < 1 << operations.Count; subset++)
        {
            int[] chosen = [.. Enumerable.Range(0, operations.Count).Where(i => (subset >> i & 1) != 0)];
            if (acknowledged.IsSubsetOf(chosen) && begun.IsSupersetOf(chosen))
            {
                states.Add(chosen.Aggregate(before, (state, i) => operations[i].ApplyTo(state)));
            }
        }

        return states;
    }
}
