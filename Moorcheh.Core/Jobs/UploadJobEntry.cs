using Moorcheh.Changes;
using Moorcheh.Storage;

namespace Moorcheh.Jobs;

/// <summary>An upload job: where its payload is and how far it came.</summary>
internal sealed class UploadJobEntry : JobEntry
{
    private UploadJobEntry(Guid id, Guid incarnation, UploadJobStatus status)
        : base(id, incarnation, status)
    {
    }

    public UploadJobEntry(UploadAccepted accepted, string namespaceName)
        : base(accepted.JobId, accepted.Incarnation, new UploadJobStatus
        {
            JobId = JobId.Format(accepted.JobId),
            NamespaceName = namespaceName,
            State = JobState.Running,
            LastError = null,
            StartedAt = accepted.At,
            UpdatedAt = accepted.At,
            FinishedAt = null,
            Total = accepted.Total,
            Processed = 0,
            Successful = 0,
            Failed = 0,
        })
    {
        Chunks = accepted.Chunks;
        PayloadBytes = accepted.PayloadBytes;
        Reserved = accepted.Reserved;
    }

    public new UploadJobStatus Status => (UploadJobStatus)base.Status;

    /// <summary>The payload in the journal; empty once the job has finished.</summary>
    public IReadOnlyList<ChunkReference> Chunks { get; private set; } = [];

    public override long FirstAddress => Chunks.Count > 0 ? Chunks[0].Address : base.FirstAddress;

    public long PayloadBytes { get; private set; }

    /// <summary>One bit an entry: a place below the item cap is kept for it. A bit falls when its entry is stored or has failed.</summary>
    public byte[] Reserved { get; private set; } = [];

    /// <summary>Index of the first entry not handled yet.</summary>
    public int Cursor { get; set; }

    /// <summary>The item errors, while the job runs. Replaced as a whole, so readers need no lock.</summary>
    public JobErrors Errors { get; set; } = JobErrors.None;

    /// <summary>True once the job is on disk and may be worked on.</summary>
    public bool IsReady { get; set; }

    /// <summary>Cancelled when somebody wants the job to end: running embeddings stop.</summary>
    public CancellationTokenSource Cancellation { get; } = new();

    /// <summary>True when a step may take entries of it.</summary>
    public bool IsWorkable => IsReady && !Cancellation.IsCancellationRequested;

    /// <summary>The chunk read last.</summary>
    public UploadChunk? Chunk { get; set; }

    public bool IsReserved(int index) => (Reserved[index / 8] >> (index % 8) & 1) != 0;

    public void Unreserve(int index) => Reserved[index / 8] &= (byte)~(1 << (index % 8));

    public int CountReserved() => Reserved.Sum(bits => System.Numerics.BitOperations.PopCount(bits));

    /// <summary>Lets go of what only a running job needs.</summary>
    public void Release()
    {
        Chunks = [];
        Reserved = [];
        Errors = JobErrors.None;
        Chunk = null;
        PayloadBytes = 0;
    }

    public void Write(ByteWriter writer)
    {
        writer.Guid(Id);
        writer.Guid(Incarnation);
        UploadJobStatus status = Status;
        WriteStatus(writer, status);
        writer.Int32(status.Total);
        writer.Int32(status.Processed);
        writer.Int32(status.Successful);
        writer.Int32(status.Failed);
        writer.Int32(Errors.Omitted);
        writer.Int32(Cursor);
        writer.Int64(PayloadBytes);
        UploadAccepted.WriteChunks(writer, Chunks);
        writer.Bytes(Reserved);
    }

    public static UploadJobEntry Read(ref ByteReader reader)
    {
        Guid id = reader.Guid();
        Guid incarnation = reader.Guid();
        StatusHead head = ReadStatus(ref reader);
        var entry = new UploadJobEntry(id, incarnation, new UploadJobStatus
        {
            JobId = JobId.Format(id),
            NamespaceName = head.NamespaceName,
            State = head.State,
            Cancelled = head.Cancelled,
            LastError = head.LastError,
            StartedAt = head.StartedAt,
            UpdatedAt = head.UpdatedAt,
            FinishedAt = head.FinishedAt,
            Total = reader.Int32(),
            Processed = reader.Int32(),
            Successful = reader.Int32(),
            Failed = reader.Int32(),
        })
        {
            Errors = new JobErrors([], reader.Int32()),
            Cursor = reader.Int32(),
        };
        entry.PayloadBytes = reader.Int64();
        entry.Chunks = UploadAccepted.ReadChunks(ref reader);
        entry.Reserved = reader.Bytes().ToArray();
        return entry;
    }
}
