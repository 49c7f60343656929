using System.Globalization;

namespace Moorcheh.Http.Contracts;

/// <summary>How values look on the wire.</summary>
internal static class Wire
{
    public const string Success = "success";

    /// <summary>Stands for "no cap" in <c>/health</c>: the greatest whole number that JavaScript counts exactly.</summary>
    public const long NoCap = 9_007_199_254_740_991;

    /// <summary>UTC with milliseconds.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    public static string? Time(DateTimeOffset? time) => time is { } known ? Time(known) : null;

    /// <summary>
    /// Six decimals, half away from zero. A decimal is always written without an exponent; adding 0.0 keeps one decimal
    /// (<c>0.0</c>, <c>1.0</c>), so that every score and every duration reads as a fraction.
    /// </summary>
    public static decimal Six(double value) => decimal.Round((decimal)value, 6, MidpointRounding.AwayFromZero) + 0.0m;

    /// <summary>Seconds with six decimals.</summary>
    public static decimal Seconds(TimeSpan time) => Six(time.TotalSeconds);

    public static string Type(NamespaceKind kind) => kind == NamespaceKind.Text ? "text" : "vector";

    public static string Type(JobKind kind) => kind switch
    {
        JobKind.Upload => "upload",
        JobKind.DeleteItems => "delete_items",
        JobKind.Reembed => "reembed",
        _ => "delete",
    };

    public static string State(JobState state) => state switch
    {
        JobState.Running => "running",
        JobState.Completed => "completed",
        _ => "failed",
    };
}
