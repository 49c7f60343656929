using Moorcheh.Storage;

namespace Moorcheh.Jobs;

/// <summary>A job in memory. Its status is one immutable object, so readers need no lock; only <see cref="JobRegistry"/> replaces it.</summary>
internal abstract class JobEntry(in JobHead head, JobStatus status)
{
    private volatile JobStatus _status = status;

    public Guid Id { get; } = head.Id;

    /// <summary>The namespace it works on; a recreated namespace of the same name has another.</summary>
    public Guid Incarnation { get; } = head.Incarnation;

    public JobStatus Status
    {
        get => _status;
        set => _status = value;
    }

    /// <summary>What the catalog calls its kind.</summary>
    public abstract JobTag Tag { get; }

    /// <summary>Which lists have it.</summary>
    public virtual JobVisibility Visibility => JobVisibility.Listed;

    /// <summary>What it takes of the bounds on unfinished jobs until it has finished.</summary>
    public virtual JobRoom Room => default;

    /// <summary>Where the journal has the first entry that the job needs while it is not finished; the greatest number when it needs none.</summary>
    public virtual long FirstAddress => long.MaxValue;

    public bool IsFinished => Status.State != JobState.Running;

    /// <summary>Completes when the job has finished; fails when the store closes first.</summary>
    public TaskCompletionSource Finished { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The item errors, while the job runs. Replaced as a whole, so readers need no lock.</summary>
    public JobErrors Errors { get; set; } = JobErrors.None;

    /// <summary>Steps in a row that failed.</summary>
    public int FailedAttempts { get; set; }

    /// <summary>Processes in a row that ended while it was worked on, without that it came further.</summary>
    public int ProcessEnds { get; set; }

    public WorkKey Work => new(WorkKind.Job, Id);

    /// <summary>Why it is given up when too many processes have ended with it; null while it may be worked on.</summary>
    public MoorchehException? TooManyEnds => ProcessEnds < WorkMarks.MaxEnds
        ? null
        : new MoorchehException(ErrorCodes.ProcessEnded, $"The process ended {ProcessEnds} times while it was worked on.");

    /// <summary>Keeps the first errors; the others are counted.</summary>
    public void AddErrors(IReadOnlyList<ItemError> errors)
    {
        if (errors.Count > 0)
        {
            int room = JobErrors.MaxKept - Errors.Errors.Count;
            Errors = new JobErrors([.. Errors.Errors, .. errors.Take(room)], Errors.Omitted + Math.Max(0, errors.Count - room));
        }
    }

    /// <summary>It did something: what failed before counts no more.</summary>
    public void CameFurther()
    {
        FailedAttempts = 0;
        ProcessEnds = 0;
    }

    /// <summary>Keeps in the record store what is to be read of it once it has finished, beside its status.</summary>
    public virtual void KeepRecords(IRecordStore records)
    {
    }

    /// <summary>Deletes what the record store has of it: it has finished and is no longer kept.</summary>
    public virtual void ForgetRecords(IRecordStore records)
    {
    }

    /// <summary>Lets go of what only a running job needs.</summary>
    public virtual void Release()
    {
    }

    /// <summary>Writes it as the catalog has it, from its tag on.</summary>
    public void Write(ByteWriter writer)
    {
        writer.Byte((byte)Tag);
        JobHead.Of(this).Write(writer);
        WriteOwn(writer);
    }

    /// <summary>Writes what its kind has beside <see cref="JobHead"/>.</summary>
    protected abstract void WriteOwn(ByteWriter writer);
}
