namespace Moorcheh;

/// <summary>A job as it was at the moment of the call. Immutable; counters of later readings are never lower.</summary>
public abstract record JobStatus
{
    private protected JobStatus()
    {
    }

    /// <summary><c>job-</c> and 32 lowercase hex digits.</summary>
    public required string Id { get; init; }

    /// <summary>Upload, delete or re-embedding.</summary>
    public abstract JobKind Kind { get; }

    /// <summary>Name of the namespace the job was started for.</summary>
    public required string Namespace { get; init; }

    /// <summary>Running, completed or failed.</summary>
    public required JobState State { get; init; }

    /// <summary>
    /// False while it is not known whether the job is on disk, which lasts only while the disk takes no writes: after a crash it may be absent. It begins once
    /// this is true, and then it is on disk.
    /// </summary>
    public bool IsAccepted { get; init; } = true;

    /// <summary>True when the job ended because it was cancelled.</summary>
    public bool Cancelled { get; init; }

    /// <summary>Most recent error; null if there was none.</summary>
    public required string? LastError { get; init; }

    /// <summary>When the job was accepted (UTC).</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Last change of the job (UTC).</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When the job ended (UTC), equal to <see cref="UpdatedAt"/>; null while it runs.</summary>
    public required DateTimeOffset? FinishedAt { get; init; }
}
