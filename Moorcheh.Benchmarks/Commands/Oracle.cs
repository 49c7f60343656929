using System.Diagnostics;
using System.Numerics.Tensors;
using Moorcheh.Benchmarks.Data;

namespace Moorcheh.Benchmarks.Commands;

/// <summary>The brute force: float32 dot products over contiguous normalised rows, one thread.</summary>
internal sealed class Oracle
{
    // So many more than wanted are looked at in float64, to settle the order that float32 sums leave open.
    private const int Spare = 50;

    private readonly VectorSet _set;
    private readonly float[] _scores;

    /// <param name="set">Normalised.</param>
    /// <param name="top">Neighbours.</param>
    /// <param name="wanted">The rows that count; null for all.</param>
    public Oracle(VectorSet set, int top, Func<int, bool>? wanted)
    {
        _set = set;
        _scores = new float[set.Count];
        int[] rows = [.. Enumerable.Range(0, set.Count).Where(i => wanted is null || wanted(i))];
        Expected = new int[set.Queries][];
        for (int q = 0; q < set.Queries; q++)
        {
            Score(q);
            int[] order = [.. rows];
            Array.Sort([.. rows.Select(i => -_scores[i])], order);
            int query = q;
            Expected[q] = [.. order.Take(top + Spare).OrderByDescending(i => set.Cosine(i, query)).ThenBy(i => i).Take(top)];
        }
    }

    /// <summary>For each query its nearest rows, best first.</summary>
    public int[][] Expected { get; }

    /// <summary>Median queries a second over some queries, now.</summary>
    public double Qps(int queries)
    {
        double[] seconds = new double[Math.Min(queries, _set.Queries)];
        for (int q = 0; q < seconds.Length; q++)
        {
            long start = Stopwatch.GetTimestamp();
            Score(q);
            seconds[q] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        Array.Sort(seconds);
        return 1 / seconds[seconds.Length / 2];
    }

    /// <summary>Gigabytes a second of summing so many bytes, the best of ten.</summary>
    public static double ReadGBps(long bytes)
    {
        // Filled: pages that were never written to are all the same page of zeros.
        long[] block = new long[bytes / sizeof(long)];
        Array.Fill(block, 1);
        double best = 0;
        for (int i = 0; i < 10; i++)
        {
            long start = Stopwatch.GetTimestamp();
            GC.KeepAlive(TensorPrimitives.Sum<long>(block));
            best = Math.Max(best, bytes / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9);
        }

        return best;
    }

    private void Score(int q)
    {
        ReadOnlySpan<float> query = _set.Query(q).Span;
        for (int i = 0; i < _scores.Length; i++)
        {
            _scores[i] = TensorPrimitives.Dot(query, _set.Row(i).Span);
        }
    }
}
