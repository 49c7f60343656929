namespace Moorcheh.Index.Postings;

internal sealed partial class ValueRun
{
    /// <summary>Puts runs together.</summary>
    public static ValueRun Merge(IReadOnlyList<ValueRun> runs)
    {
        if (runs.Count == 1)
        {
            return runs[0];
        }

        var builder = new ValueRunBuilder();
        int[] paths = new int[runs.Count];
        int[] keys = new int[runs.Count];
        while (true)
        {
            int least = -1;
            for (int r = 0; r < runs.Count; r++)
            {
                if (paths[r] < runs[r]._pathEnds.Length
                    && (least < 0 || runs[r].Path(paths[r]).SequenceCompareTo(runs[least].Path(paths[least])) < 0))
                {
                    least = r;
                }
            }

            if (least < 0)
            {
                return builder.Build();
            }

            ReadOnlySpan<byte> path = runs[least].Path(paths[least]);
            builder.Path(path);
            for (int r = 0; r < runs.Count; r++)
            {
                bool hasPath = paths[r] < runs[r]._pathEnds.Length && runs[r].Path(paths[r]).SequenceEqual(path);
                keys[r] = hasPath ? runs[r]._firstKeys[paths[r]++] : -1;
            }

            MergeKeys(runs, paths, keys, builder);
        }
    }

    private static void MergeKeys(IReadOnlyList<ValueRun> runs, int[] nextPaths, int[] keys, ValueRunBuilder builder)
    {
        while (true)
        {
            int least = -1;
            for (int r = 0; r < runs.Count; r++)
            {
                if (keys[r] >= 0
                    && keys[r] < runs[r]._firstKeys[nextPaths[r]]
                    && (least < 0 || runs[r].Key(keys[r]).SequenceCompareTo(runs[least].Key(keys[least])) < 0))
                {
                    least = r;
                }
            }

            if (least < 0)
            {
                return;
            }

            ReadOnlySpan<byte> key = runs[least].Key(keys[least]);
            builder.Key(key);
            for (int r = 0; r < runs.Count; r++)
            {
                if (keys[r] >= 0 && keys[r] < runs[r]._firstKeys[nextPaths[r]] && runs[r].Key(keys[r]).SequenceEqual(key))
                {
                    builder.Slots(runs[r].Slots(keys[r]++));
                }
            }
        }
    }
}
