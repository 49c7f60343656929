using System.Diagnostics;

namespace Moorcheh.Benchmarks.Commands;

/// <summary>What one search gave.</summary>
/// <param name="Rows">Rows found, best first; empty when nobody asked.</param>
/// <param name="ScanMicros">Time of the coded stages; not a number when the engine does not tell.</param>
/// <param name="Rescored8">Vectors scored with eight bits.</param>
/// <param name="Rescored32">Vectors scored exactly.</param>
internal readonly record struct Answer(int[] Rows, double ScanMicros, int Rescored8, int Rescored32);

/// <summary>Times of all searches of one repeat.</summary>
internal sealed class SearchRun
{
    private readonly List<double> _micros = [];
    private readonly List<double> _scans = [];

    /// <summary>Queries a second of the brute force beside this repeat.</summary>
    public required double BruteForceQps { get; init; }

    public double P50 => At(_micros, 0.5);

    public double P95 => At(_micros, 0.95);

    public double ScanP50 => At(_scans, 0.5);

    public double Qps => 1e6 / _micros.Average();

    /// <summary>Bytes allocated a search.</summary>
    public long Allocated { get; private set; }

    /// <summary>How many times as fast as the brute force, by medians.</summary>
    public double Ratio => 1e6 / P50 / BruteForceQps;

    public async Task MeasureAsync(int queries, int rounds, Func<int, bool, ValueTask<Answer>> search)
    {
        long before = GC.GetTotalAllocatedBytes(precise: true);
        for (int round = 0; round < rounds; round++)
        {
            for (int q = 0; q < queries; q++)
            {
                long start = Stopwatch.GetTimestamp();
                Answer answer = await search(q, false);
                _micros.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
                _scans.Add(answer.ScanMicros);
            }
        }

        Allocated = (GC.GetTotalAllocatedBytes(precise: true) - before) / (rounds * queries);
    }

    private static double At(List<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted[(int)(sorted.Length * share)];
    }
}

/// <summary>The middle of several repeats and how far they were apart.</summary>
internal sealed record Spread(double Median, double Min, double Max)
{
    public static Spread Of(IEnumerable<double> values, int digits)
    {
        double[] sorted = [.. values.Order()];
        return new Spread(Math.Round(sorted[sorted.Length / 2], digits), Math.Round(sorted[0], digits), Math.Round(sorted[^1], digits));
    }
}
