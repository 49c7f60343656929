namespace Moorcheh;

/// <summary>How something fares that a store does by itself again and again.</summary>
public sealed record LoopStatus
{
    /// <summary>
    /// <c>housekeeping</c>, <c>compaction</c>, <c>checkpoints</c>, <c>index-maintenance</c> and <c>callback-expiry</c>, which begin a round
    /// every 30 seconds at least, whether there is something to do or not; <c>jobs</c>, <c>tasks</c> and <c>callbacks</c>, which succeed with each step, task and message
    /// that does. What fails of a single job, task or message is told by its own status and the log.
    /// </summary>
    public required string Name { get; init; }

    /// <summary>When the last round that succeeded ended, by the clock of the store; null when there was none since the store was opened.</summary>
    public required DateTimeOffset? LastSuccessAt { get; init; }

    /// <summary>Why the last round failed; null when it did not. Failed rounds are repeated.</summary>
    public required string? Failure { get; init; }
}
