using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>The texts of a namespace are to be embedded again.</summary>
internal sealed record ReembedAccepted(Guid JobId, Guid Incarnation, DateTimeOffset At, int Total) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)30;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Guid(Incarnation);
        writer.Time(At);
        writer.Int32(Total);
    }

    public static ReembedAccepted Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new ReembedAccepted(reader.Guid(), reader.Guid(), reader.Time(), reader.Int32());
    }

    public ReembedJobEntry ToJob(string namespaceName) => new(JobId, Incarnation, namespaceName, At, Total);

    public ValueTask ApplyAsync(ChangeContext context)
    {
        StoreState state = context.State;
        if (state.Find(Incarnation) is { } entry)
        {
            // Live work made the job known before it was on disk.
            ReembedJobEntry job = state.Jobs.Find(JobId) as ReembedJobEntry ?? ToJob(entry.Name);
            job.Open(NamespaceEntry.SeedOf(Incarnation));
            entry.Reembedding = job;
            state.Jobs.Accept(job);
        }

        return ValueTask.CompletedTask;
    }
}
