using Moorcheh.Storage;

namespace Moorcheh.Jobs;

/// <summary>An upload job: where its payload is and how far it came.</summary>
internal sealed class UploadJobEntry : JobEntry
{
    private UploadJobEntry(in JobHead head, int total)
        : base(head, new UploadJobStatus
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

    public UploadJobEntry(Guid id, Guid incarnation, string namespaceName, DateTimeOffset at, int total)
        : this(JobHead.New(id, incarnation, namespaceName, at), total)
    {
    }

    public new UploadJobStatus Status => (UploadJobStatus)base.Status;

    /// <summary>The payload in the journal; empty once the job has finished.</summary>
    public IReadOnlyList<ChunkReference> Chunks { get; set; } = [];

    public override JobTag Tag => JobTag.Upload;

    public override JobRoom Room => new() { Uploads = 1, UploadBytes = PayloadBytes };

    public override long FirstAddress => Chunks.Count > 0 ? Chunks[0].Address : base.FirstAddress;

    public long PayloadBytes { get; set; }

    /// <summary>One bit an entry: a place below the item cap is kept for it. A bit falls when its entry is stored or has failed.</summary>
    public byte[] Reserved { get; set; } = [];

    /// <summary>Index of the first entry not handled yet.</summary>
    public int Cursor { get; set; }

    /// <summary>True once the job is on disk and may be worked on.</summary>
    public bool IsReady { get; set; }

    /// <summary>Cancelled when somebody wants the job to end: running embeddings stop.</summary>
    public CancellationTokenSource Cancellation { get; } = new();

    /// <summary>True when a step may take entries of it.</summary>
    public bool IsWorkable => IsReady && !Cancellation.IsCancellationRequested;

    /// <summary>The chunk read last.</summary>
    public UploadChunk? Chunk { get; set; }

    /// <summary>Where the journal has the chunk with an entry.</summary>
    public long AddressOf(int index) => Chunks.Last(chunk => chunk.First <= index).Address;

    public bool IsReserved(int index) => (Reserved[index / 8] >> (index % 8) & 1) != 0;

    public void Unreserve(int index) => Reserved[index / 8] &= (byte)~(1 << (index % 8));

    public int CountReserved() => Reserved.Sum(bits => System.Numerics.BitOperations.PopCount(bits));

    public override void KeepRecords(IRecordStore records) => JobErrorRecords.Save(records, this);

    public override void ForgetRecords(IRecordStore records)
    {
        if (Status.Failed > 0)
        {
            JobErrorRecords.Delete(records, Id);
        }
    }

    public override void Release()
    {
        Chunks = [];
        Reserved = [];
        Errors = JobErrors.None;
        Chunk = null;
        PayloadBytes = 0;
    }

    protected override void WriteOwn(ByteWriter writer)
    {
        UploadJobStatus status = Status;
        writer.Int32(status.Total);
        writer.Int32(status.Processed);
        writer.Int32(status.Successful);
        writer.Int32(status.Failed);
        writer.Int32(Errors.Omitted);
        writer.Int32(Cursor);
        writer.Int64(PayloadBytes);
        ChunkReference.WriteAll(writer, Chunks);
        writer.Bytes(Reserved);
    }

    public static UploadJobEntry Read(ref ByteReader reader)
    {
        var entry = new UploadJobEntry(JobHead.Read(ref reader), reader.Int32());
        ((JobEntry)entry).Status = entry.Status with { Processed = reader.Int32(), Successful = reader.Int32(), Failed = reader.Int32() };
        entry.Errors = new JobErrors([], reader.Int32());
        entry.Cursor = reader.Int32();
        entry.PayloadBytes = reader.Int64();
        entry.Chunks = ChunkReference.ReadAll(ref reader);
        entry.Reserved = reader.Bytes().ToArray();
        return entry;
    }
}
