namespace Moorcheh;

/// <summary>Which jobs to list. Every null or default part matches all jobs.</summary>
public sealed record JobFilter
{
    /// <summary>Only jobs started for this namespace name.</summary>
    public string? NamespaceName { get; init; }

    /// <summary>Only jobs of this kind.</summary>
    public JobKind? Kind { get; init; }

    /// <summary>Only jobs in this state.</summary>
    public JobState? State { get; init; }

    /// <summary>At most this many jobs, 1 to 200. Default 50.</summary>
    public int Limit { get; init; } = 50;

    /// <summary>Only jobs that come after this start time and id in the order of the list; null starts at the newest.</summary>
    public (DateTimeOffset StartedAt, string JobId)? After { get; init; }
}
