using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A namespace is invisible from here on and will be removed.</summary>
internal sealed record NamespaceDeleteStarted(Guid JobId, Guid Incarnation, DateTimeOffset At, long TotalItems) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)8;

    public JournalEntryType Type => TypeNumber;

    /// <summary>Not written: true when the quota has the items, which those of a namespace that was deleted in part have left.</summary>
    public bool AreCounted { get; init; }

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Guid(Incarnation);
        writer.Time(At);
        writer.Int64(TotalItems);
    }

    public static NamespaceDeleteStarted Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new NamespaceDeleteStarted(reader.Guid(), reader.Guid(), reader.Time(), reader.Int64());
    }

    public DeleteJobEntry ToJob(string namespaceName) => new(JobId, Incarnation, namespaceName, At, TotalItems);

    public async ValueTask ApplyAsync(ChangeContext context)
    {
        StoreState state = context.State;
        if (state.Find(Incarnation) is not { } entry)
        {
            return;
        }

        if (AreCounted)
        {
            state.Quota.Remove(TotalItems);
        }

        DeleteJobEntry job = state.Jobs.Find(JobId) as DeleteJobEntry ?? ToJob(entry.Name);
        lock (entry.Lock)
        {
            entry.State = NamespaceState.Deleting;
            entry.DeleteJob = job;
            entry.UpdatedAt = At;
        }

        state.Jobs.Accept(job);
        await entry.Deleted.CancelAsync().ConfigureAwait(false);
    }
}
