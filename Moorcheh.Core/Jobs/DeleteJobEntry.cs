using Moorcheh.Storage;

namespace Moorcheh.Jobs;

/// <summary>A namespace delete.</summary>
internal sealed class DeleteJobEntry : JobEntry
{
    private DeleteJobEntry(in JobHead head, long totalItems)
        : base(head, new DeleteJobStatus
        {
            Id = JobId.Format(head.Id),
            Namespace = head.Namespace,
            State = head.State,
            Cancelled = head.Cancelled,
            LastError = head.LastError,
            StartedAt = head.StartedAt,
            UpdatedAt = head.UpdatedAt,
            FinishedAt = head.FinishedAt,
            TotalItems = totalItems,
            DeletedItems = 0,
            FreedBytes = 0,
        })
    {
    }

    public DeleteJobEntry(Guid id, Guid incarnation, string namespaceName, DateTimeOffset at, long totalItems)
        : this(JobHead.New(id, incarnation, namespaceName, at), totalItems)
    {
    }

    public new DeleteJobStatus Status => (DeleteJobStatus)base.Status;

    public override JobTag Tag => JobTag.Delete;

    protected override void WriteOwn(ByteWriter writer)
    {
        DeleteJobStatus status = Status;
        writer.Int64(status.TotalItems);
        writer.Int64(status.DeletedItems);
        writer.Int64(status.FreedBytes);
    }

    public static DeleteJobEntry Read(ref ByteReader reader)
    {
        var entry = new DeleteJobEntry(JobHead.Read(ref reader), reader.Int64());
        ((JobEntry)entry).Status = entry.Status with { DeletedItems = reader.Int64(), FreedBytes = reader.Int64() };
        return entry;
    }
}
