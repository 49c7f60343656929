using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A re-embedding failed or was cancelled: the namespace stays as it is, and what was built goes.</summary>
internal sealed record ReembedEnded(Guid JobId, DateTimeOffset At, string LastError, bool Cancelled) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)34;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Time(At);
        writer.String(LastError);
        writer.Byte(Cancelled ? (byte)1 : (byte)0);
    }

    public static ReembedEnded Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new ReembedEnded(reader.Guid(), reader.Time(), reader.String(), reader.Byte() != 0);
    }

    public ValueTask ApplyAsync(ChangeContext context)
    {
        StoreState state = context.State;
        if (state.Jobs.Find(JobId) is ReembedJobEntry job && state.Find(job.Incarnation) is { } entry && entry.Reembedding == job)
        {
            End(state, entry, LastError, Cancelled, At);
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Ends the re-embedding of a namespace, if there is one.</summary>
    public static void End(StoreState state, NamespaceEntry entry, string lastError, bool cancelled, DateTimeOffset at)
    {
        if (entry.Reembedding is { } job)
        {
            RemoveBuilt(state, entry, job);
            entry.Reembedding = null; // Before anybody can read that the job has ended.
            state.Jobs.Fail(job, lastError, cancelled, at);
        }
    }

    /// <summary>Removes all that a re-embedding has built.</summary>
    public static void RemoveBuilt(StoreState state, NamespaceEntry entry, ReembedJobEntry job)
    {
        List<long> built = job.Index.LiveRecords();
        job.Clear(NamespaceEntry.SeedOf(entry.Incarnation)); // Before the records go that maintenance of the index may be about to read.
        foreach (long record in built)
        {
            state.Records.Delete(entry.ItemKey(record));
        }
    }
}
