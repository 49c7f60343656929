using System.Collections.Concurrent;
using Moorcheh.Indexing;

namespace Moorcheh.Pipelines;

/// <summary>Runs the coded stages of a search, on one or several threads, and holds what they could not rule out. Dispose it to reuse its buffers.</summary>
internal sealed class CandidateSet : IDisposable
{
    private const int MaxIdle = 32;

    private static readonly ConcurrentBag<QueryState> Idle = [];

    private readonly QueryState _state;

    private CandidateSet(QueryState state)
    {
        _state = state;
    }

    /// <summary>The most promising first.</summary>
    public ReadOnlySpan<Survivor> Survivors => _state.Survivors;

    /// <summary>Vectors scored with eight bits.</summary>
    public int Rescored8 => _state.Rescored8;

    public static CandidateSet Find(SearchPlan plan, ulong[]?[]? masks)
    {
        int threads = Math.Min(plan.Request.Threads, plan.Segments.Count);
        QueryState[] states = [.. Enumerable.Range(0, Math.Max(1, threads)).Select(_ => Rent(plan))];
        if (threads <= 1)
        {
            Run(plan, masks, states[0], 0, plan.Segments.Count);
        }
        else
        {
            Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, t =>
                Run(plan, masks, states[t], plan.Segments.Count * t / threads, plan.Segments.Count * (t + 1) / threads));
            foreach (QueryState other in states.AsSpan(1))
            {
                states[0].Merge(other);
                Return(other);
            }
        }

        states[0].Finish();
        return new CandidateSet(states[0]);
    }

    public void Dispose() => Return(_state);

    private static void Run(SearchPlan plan, ulong[]?[]? masks, QueryState state, int first, int end) =>
        CandidateSearch.Find(state, plan.Segments, masks, first, end, plan.Request.TopK, plan.Request.Guarantee);

    private static QueryState Rent(SearchPlan plan)
    {
        if (!Idle.TryTake(out QueryState? state))
        {
            state = new QueryState();
        }

        state.Begin(plan.Query.Span, plan.Request.TopK);
        return state;
    }

    private static void Return(QueryState state)
    {
        if (Idle.Count < MaxIdle)
        {
            Idle.Add(state);
        }
    }
}
