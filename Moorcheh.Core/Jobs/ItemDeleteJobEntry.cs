using System.Text;
using Moorcheh.Storage;

namespace Moorcheh.Jobs;

/// <summary>A delete of the items that pass a filter.</summary>
internal sealed class ItemDeleteJobEntry : JobEntry
{
    private ItemDeleteJobEntry(in JobHead head, long totalItems)
        : base(head, new ItemDeleteJobStatus
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
        })
    {
    }

    public ItemDeleteJobEntry(Guid id, Guid incarnation, string namespaceName, DateTimeOffset at, long totalItems)
        : this(JobHead.New(id, incarnation, namespaceName, at), totalItems)
    {
    }

    public new ItemDeleteJobStatus Status => (ItemDeleteJobStatus)base.Status;

    /// <summary>The filter in its notation; empty once the job has finished.</summary>
    public string Filter { get; set; } = string.Empty;

    /// <summary>The uploads that were accepted before it and not over then: it comes after them, and before all others.</summary>
    public IReadOnlySet<Guid> Ahead { get; set; } = new HashSet<Guid>();

    /// <summary>The ids still to be looked at, in this process; null until it begins.</summary>
    public Queue<byte[]>? Candidates { get; set; }

    /// <summary>True once the job is on disk and may be worked on.</summary>
    public bool IsReady { get; set; }

    public override JobTag Tag => JobTag.ItemDelete;

    public override JobRoom Room => new() { Uploads = 1, UploadBytes = Encoding.UTF8.GetByteCount(Filter) };

    public override void Release()
    {
        Filter = string.Empty;
        Ahead = new HashSet<Guid>();
        Candidates = null;
    }

    protected override void WriteOwn(ByteWriter writer)
    {
        writer.Int64(Status.TotalItems);
        writer.Int64(Status.DeletedItems);
        writer.String(Filter);
        WriteAhead(writer, Ahead);
    }

    public static ItemDeleteJobEntry Read(ref ByteReader reader)
    {
        var entry = new ItemDeleteJobEntry(JobHead.Read(ref reader), reader.Int64());
        ((JobEntry)entry).Status = entry.Status with { DeletedItems = reader.Int64() };
        entry.Filter = reader.String();
        entry.Ahead = ReadAhead(ref reader);
        return entry;
    }

    public static void WriteAhead(ByteWriter writer, IReadOnlySet<Guid> ahead)
    {
        writer.Int32(ahead.Count);
        foreach (Guid upload in ahead)
        {
            writer.Guid(upload);
        }
    }

    public static HashSet<Guid> ReadAhead(ref ByteReader reader)
    {
        HashSet<Guid> ahead = [];
        for (int left = reader.Int32(); left > 0; left--)
        {
            ahead.Add(reader.Guid());
        }

        return ahead;
    }
}
