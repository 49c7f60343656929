using Moorcheh.Changes;
using Moorcheh.Storage;

namespace Moorcheh.Jobs;

/// <summary>A namespace delete.</summary>
internal sealed class DeleteJobEntry : JobEntry
{
    private DeleteJobEntry(Guid id, Guid incarnation, DeleteJobStatus status)
        : base(id, incarnation, status)
    {
    }

    public DeleteJobEntry(NamespaceDeleteStarted started, string namespaceName)
        : base(started.JobId, started.Incarnation, new DeleteJobStatus
        {
            JobId = JobId.Format(started.JobId),
            NamespaceName = namespaceName,
            State = JobState.Running,
            LastError = null,
            StartedAt = started.At,
            UpdatedAt = started.At,
            FinishedAt = null,
            TotalItems = started.TotalItems,
            DeletedItems = 0,
            FreedBytes = 0,
        })
    {
    }

    public new DeleteJobStatus Status => (DeleteJobStatus)base.Status;

    public void Write(ByteWriter writer)
    {
        writer.Guid(Id);
        writer.Guid(Incarnation);
        DeleteJobStatus status = Status;
        WriteStatus(writer, status);
        writer.Int64(status.TotalItems);
        writer.Int64(status.DeletedItems);
        writer.Int64(status.FreedBytes);
    }

    public static DeleteJobEntry Read(ref ByteReader reader)
    {
        Guid id = reader.Guid();
        Guid incarnation = reader.Guid();
        StatusHead head = ReadStatus(ref reader);
        return new DeleteJobEntry(id, incarnation, new DeleteJobStatus
        {
            JobId = JobId.Format(id),
            NamespaceName = head.NamespaceName,
            State = head.State,
            Cancelled = head.Cancelled,
            LastError = head.LastError,
            StartedAt = head.StartedAt,
            UpdatedAt = head.UpdatedAt,
            FinishedAt = head.FinishedAt,
            TotalItems = reader.Int64(),
            DeletedItems = reader.Int64(),
            FreedBytes = reader.Int64(),
        });
    }
}
