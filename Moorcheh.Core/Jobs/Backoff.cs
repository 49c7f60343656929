namespace Moorcheh.Jobs;

/// <summary>Pauses after failures, each twice as long as the one before, up to a limit.</summary>
internal static class Backoff
{
    // Far beyond every limit, and no number is too large.
    private const int MaxDoublings = 10;

    /// <summary>The pause after so many failures in a row, from 1.</summary>
    public static TimeSpan Pause(TimeSpan first, TimeSpan most, int failures)
    {
        TimeSpan pause = first * Math.Pow(2, Math.Min(failures - 1, MaxDoublings));
        return pause < most ? pause : most;
    }
}
