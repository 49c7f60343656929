namespace Moorcheh.Index.Postings;

/// <summary>
/// The values of the items in a segment that is being filled: sorted runs, each of them four times as long as those behind it, and a short
/// unsorted tail. One writer adds slots; readers work on a <see cref="View"/> and see the slots added before it was taken.
/// </summary>
internal sealed class SegmentValues
{
    /// <summary>Slots of the tail at most: every filter looks at all of its values.</summary>
    public const int MaxTail = 64;

    // Runs of one length that are put together.
    private const int Fan = 4;

    // Shared by writers, one at a time on each thread: a namespace would not need one of its own for long.
    [ThreadStatic]
    private static ItemValues? _collector;

    private readonly List<int> _lengths = [];
    private ValueRun[] _runs = [];
    private ValueEntry[] _tail = [];
    private int _tailCount;
    private int _tailSlots;

    /// <summary>No values.</summary>
    public SegmentValues()
    {
    }

    /// <summary>Those of a segment nothing is added to.</summary>
    public SegmentValues(ValueRun run)
    {
        _runs = [run];
        _lengths.Add(int.MaxValue);
    }

    /// <summary>Adds the values of an item.</summary>
    /// <param name="slot">Greater than all slots added before.</param>
    /// <param name="metadata">A JSON object in UTF-8; empty for none.</param>
    public void Add(int slot, ReadOnlySpan<byte> metadata)
    {
        ValueEntry[] entries = (_collector ??= new ItemValues()).Collect((ushort)slot, metadata);
        if (entries.Length == 0)
        {
            return;
        }

        if (_tailCount + entries.Length > _tail.Length)
        {
            // Readers keep the array of their view.
            Array.Resize(ref _tail, Math.Max(_tailCount + entries.Length, _tail.Length * 2));
        }

        entries.CopyTo(_tail, _tailCount);
        _tailCount += entries.Length;
        if (++_tailSlots == MaxTail)
        {
            EndTail();
        }
    }

    /// <summary>Adds what another segment has, in slots of this one that have no values yet.</summary>
    public void Add(ValueRun run)
    {
        EndTail();
        if (!run.IsEmpty)
        {
            AddRun(run, int.MaxValue);
        }
    }

    /// <summary>The values added so far, for readers on any thread while the writer goes on.</summary>
    public ValueView View() => new(_runs, _tail, _tailCount);

    private void EndTail()
    {
        if (_tailSlots > 0)
        {
            ValueRun run = ValueRun.Create(_tail.AsSpan(0, _tailCount));
            _tail = [];
            _tailCount = 0;
            _tailSlots = 0;
            AddRun(run, MaxTail);
        }
    }

    private void AddRun(ValueRun run, int length)
    {
        List<ValueRun> runs = [.. _runs, run];
        _lengths.Add(length);
        while (_lengths.Count >= Fan && _lengths[^1] < int.MaxValue && _lengths[^Fan] == _lengths[^1])
        {
            int first = runs.Count - Fan;
            ValueRun merged = ValueRun.Merge(runs[first..]);
            runs.RemoveRange(first, Fan);
            runs.Add(merged);
            length = _lengths[^1] * Fan;
            _lengths.RemoveRange(first, Fan);
            _lengths.Add(length);
        }

        _runs = [.. runs];
    }
}
