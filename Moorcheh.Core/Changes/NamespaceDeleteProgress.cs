using Moorcheh.Jobs;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A namespace delete came this far.</summary>
internal sealed record NamespaceDeleteProgress(Guid JobId, DateTimeOffset At, long DeletedItems) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)9;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Time(At);
        writer.Int64(DeletedItems);
    }

    public static NamespaceDeleteProgress Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new NamespaceDeleteProgress(reader.Guid(), reader.Time(), reader.Int64());
    }

    public ValueTask ApplyAsync(ChangeContext context)
    {
        if (context.State.Jobs.Find(JobId) is DeleteJobEntry { IsFinished: false } job)
        {
            context.State.Jobs.Progress(job, DeletedItems, At);
        }

        return ValueTask.CompletedTask;
    }
}
