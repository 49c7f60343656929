using Moorcheh.Storage;

namespace Moorcheh.Jobs;

/// <summary>A job in memory. Its status is one immutable object, so readers need no lock; only <see cref="JobRegistry"/> replaces it.</summary>
internal abstract class JobEntry(Guid id, Guid incarnation, JobStatus status)
{
    private volatile JobStatus _status = status;

    public Guid Id { get; } = id;

    /// <summary>The namespace it works on; a recreated namespace of the same name has another.</summary>
    public Guid Incarnation { get; } = incarnation;

    public JobStatus Status
    {
        get => _status;
        set => _status = value;
    }

    /// <summary>Where the journal has the first entry that the job needs while it is not finished; the greatest number when it needs none.</summary>
    public virtual long FirstAddress => long.MaxValue;

    public bool IsFinished => Status.State != JobState.Running;

    /// <summary>Completes when the job has finished; fails when the store closes first.</summary>
    public TaskCompletionSource Finished { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Steps in a row that failed.</summary>
    public int FailedAttempts { get; set; }

    /// <summary>Processes in a row that ended while it was worked on, without that it came further.</summary>
    public int ProcessEnds { get; set; }

    public WorkKey Work => new(WorkKind.Job, Id);

    /// <summary>Why it is given up when too many processes have ended with it; null while it may be worked on.</summary>
    public MoorchehException? TooManyEnds => ProcessEnds < WorkMarks.MaxEnds
        ? null
        : new MoorchehException(ErrorCodes.ProcessEnded, $"The process ended {ProcessEnds} times while it was worked on.");

    protected static void WriteStatus(ByteWriter writer, JobStatus status)
    {
        writer.String(status.NamespaceName);
        writer.Byte((byte)status.State);
        writer.Byte(status.Cancelled ? (byte)1 : (byte)0);
        writer.OptionalString(status.LastError);
        writer.Time(status.StartedAt);
        writer.Time(status.UpdatedAt);
        writer.OptionalTime(status.FinishedAt);
    }

    protected static StatusHead ReadStatus(ref ByteReader reader) => new(
        reader.String(), (JobState)reader.Byte(), reader.Byte() != 0, reader.OptionalString(), reader.Time(), reader.Time(), reader.OptionalTime());

    protected readonly record struct StatusHead(
        string NamespaceName,
        JobState State,
        bool Cancelled,
        string? LastError,
        DateTimeOffset StartedAt,
        DateTimeOffset UpdatedAt,
        DateTimeOffset? FinishedAt);
}
