using Moorcheh.Index;
using Moorcheh.Storage;

namespace Moorcheh.Jobs;

/// <summary>
/// A job that embeds the texts of a namespace again, and what it has built so far: item records of the next generation (see
/// <see cref="ItemGeneration"/>) and an index of them, which nobody reads before they take the place of those there are. Changed by the writer of the
/// namespace only.
/// </summary>
internal sealed class ReembedJobEntry : JobEntry
{
    private ReembedJobEntry(in JobHead head, int total)
        : base(head, new ReembedJobStatus
        {
            Id = JobId.Format(head.Id),
            Namespace = head.Namespace,
            State = head.State,
            Cancelled = head.Cancelled,
            LastError = head.LastError,
            StartedAt = head.StartedAt,
            UpdatedAt = head.UpdatedAt,
            FinishedAt = head.FinishedAt,
            Total = total,
            Processed = 0,
            Successful = 0,
            Failed = 0,
        })
    {
    }

    public ReembedJobEntry(Guid id, Guid incarnation, string namespaceName, DateTimeOffset at, int total)
        : this(JobHead.New(id, incarnation, namespaceName, at), total)
    {
    }

    public new ReembedJobStatus Status => (ReembedJobStatus)base.Status;

    public override JobTag Tag => JobTag.Reembed;

    /// <summary>The new vectors; empty once the job has finished.</summary>
    public NamespaceIndex Index { get; private set; } = new(0);

    /// <summary>The name of the index in the last checkpoint; empty when it was empty.</summary>
    public Guid IndexToken { get; set; }

    /// <summary>Made the new vectors; null until there is one.</summary>
    public EmbedderFingerprint? Embedder { get; set; }

    /// <summary>Bytes of the items that were built, as <see cref="NamespaceInfo.StoredBytes"/> counts them; of removed ones, too, until the switch.</summary>
    public long StoredBytes { get; set; }

    /// <summary>True once the job is on disk and may be worked on.</summary>
    public bool IsReady { get; private set; }

    /// <summary>Cancelled when somebody wants the job to end: a running embedding stops.</summary>
    public CancellationTokenSource Cancellation { get; } = new();

    public bool IsWorkable => !IsFinished && !Cancellation.IsCancellationRequested;

    /// <summary>Records that are still to be embedded, as far as this process knows; null when it is to look again.</summary>
    public List<long>? Waiting { get; set; }

    /// <summary>How many of <see cref="Waiting"/> were handled.</summary>
    public int Handled { get; set; }

    /// <summary>Records that could not be embedded, with the ids of their items, since the store was opened.</summary>
    public Dictionary<long, string> Refused { get; } = [];

    /// <summary>The job is on disk and may be worked on: it gets an empty index, with the seed of its namespace.</summary>
    public void Open(ulong seed)
    {
        Index = new NamespaceIndex(seed);
        IsReady = true;
    }

    /// <summary>Lets go of all that was built; its records are deleted.</summary>
    public void Clear(ulong seed)
    {
        Index = new NamespaceIndex(seed);
        IndexToken = Guid.Empty;
        Embedder = null;
        StoredBytes = 0;
        Waiting = null;
        Handled = 0;
        Refused.Clear();
    }

    public override void KeepRecords(IRecordStore records)
    {
        JobErrorRecords.Delete(records, Id); // A checkpoint may have kept some that count no more.
        JobErrorRecords.Save(records, this);
    }

    public override void ForgetRecords(IRecordStore records) => JobErrorRecords.Delete(records, Id);

    public override void Release()
    {
        Clear(0);
        Errors = JobErrors.None;
    }

    protected override void WriteOwn(ByteWriter writer)
    {
        ReembedJobStatus status = Status;
        writer.Int32(status.Total);
        writer.Int32(status.Processed);
        writer.Int32(status.Successful);
        writer.Int32(status.Failed);
        writer.Int32(Errors.Omitted);
        EmbedderFingerprint.Write(writer, Embedder);
        writer.Int64(StoredBytes);
        writer.Guid(IndexToken);
    }

    public static ReembedJobEntry Read(ref ByteReader reader)
    {
        var entry = new ReembedJobEntry(JobHead.Read(ref reader), reader.Int32());
        ((JobEntry)entry).Status = entry.Status with { Processed = reader.Int32(), Successful = reader.Int32(), Failed = reader.Int32() };
        entry.Errors = new JobErrors([], reader.Int32());
        entry.Embedder = EmbedderFingerprint.Read(ref reader);
        entry.StoredBytes = reader.Int64();
        entry.IndexToken = reader.Guid();
        return entry;
    }
}
