namespace Moorcheh.Index.Postings;

/// <summary>The values of the items in a segment, as they were at one moment. Immutable; any number of threads may read it.</summary>
/// <param name="runs">Sorted.</param>
/// <param name="tail">Of others.</param>
/// <param name="tailCount">Their number.</param>
internal sealed class ValueView(ValueRun[] runs, ValueEntry[] tail, int tailCount)
{
    /// <summary>Sets the bits of slots that have a key of a path in a range.</summary>
    /// <param name="path">UTF-8, names with dots between.</param>
    /// <param name="ranges">Of short keys, sorted.</param>
    /// <param name="mask">A bit a slot, for all slots of the segment at that moment.</param>
    public void OrInto(ReadOnlySpan<byte> path, ReadOnlySpan<KeyRange> ranges, Span<ulong> mask)
    {
        foreach (ValueRun run in runs)
        {
            run.OrInto(path, ranges, mask);
        }

        foreach (ref readonly ValueEntry entry in tail.AsSpan(0, tailCount))
        {
            if (entry.Path.SequenceEqual(path) && KeyRange.AnyHas(ranges, entry.Key))
            {
                mask[entry.Slot >> 6] |= 1UL << entry.Slot;
            }
        }
    }

    /// <summary>The same values in one run.</summary>
    public ValueRun Pack()
    {
        List<ValueRun> all = [.. runs];
        if (tailCount > 0)
        {
            all.Add(ValueRun.Create(tail.AsSpan(0, tailCount)));
        }

        return all.Count == 0 ? ValueRun.Empty : ValueRun.Merge(all);
    }
}
