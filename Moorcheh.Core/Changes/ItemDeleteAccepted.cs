using Moorcheh.Jobs;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A delete of the items that pass a filter is accepted: from here on it will be carried out, behind the uploads that are ahead of it.</summary>
internal sealed record ItemDeleteAccepted(
    Guid JobId, Guid Incarnation, DateTimeOffset At, long Total, string Filter, IReadOnlySet<Guid> Ahead) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)20;

    public JournalEntryType Type => TypeNumber;

    /// <summary>Not written: the job, which live work queues before it is on disk.</summary>
    public ItemDeleteJobEntry? Job { get; set; }

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Guid(Incarnation);
        writer.Time(At);
        writer.Int64(Total);
        writer.String(Filter);
        ItemDeleteJobEntry.WriteAhead(writer, Ahead);
    }

    public static ItemDeleteAccepted Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new ItemDeleteAccepted(
            reader.Guid(), reader.Guid(), reader.Time(), reader.Int64(), reader.String(), ItemDeleteJobEntry.ReadAhead(ref reader));
    }

    public ItemDeleteJobEntry ToJob(string namespaceName) => new(JobId, Incarnation, namespaceName, At, Total) { Filter = Filter, Ahead = Ahead };

    public ValueTask ApplyAsync(ChangeContext context)
    {
        if (Job is not null)
        {
            context.State.Jobs.Accept(Job);
            Job.IsReady = true;
        }
        else if (context.State.Find(Incarnation) is { } entry)
        {
            context.State.Restore(ToJob(entry.Name));
        }

        return ValueTask.CompletedTask;
    }
}
