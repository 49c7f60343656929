using System.Diagnostics;

namespace Moorcheh.Search;

/// <summary>When the steps of a search ended so far.</summary>
/// <param name="Start">When the call came.</param>
/// <param name="Prepared">When the query was checked and embedded.</param>
/// <param name="Masked">When the filters were turned into masks.</param>
/// <param name="Scanned">When the coded stages were done.</param>
internal readonly record struct SearchClock(long Start, long Prepared, long Masked, long Scanned)
{
    /// <summary>The durations, with the exact stage ending now.</summary>
    public SearchTimings Stop()
    {
        long now = Stopwatch.GetTimestamp();
        return new SearchTimings(
            Stopwatch.GetElapsedTime(Start, Prepared),
            Stopwatch.GetElapsedTime(Masked, Scanned),
            Stopwatch.GetElapsedTime(Prepared, Masked),
            Stopwatch.GetElapsedTime(Scanned, now),
            TimeSpan.Zero,
            Stopwatch.GetElapsedTime(Start, now));
    }
}
