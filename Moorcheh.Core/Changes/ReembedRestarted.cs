using Moorcheh.Jobs;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A re-embedding begins again: what it had built is of another embedder than the store has now.</summary>
internal sealed record ReembedRestarted(Guid JobId, DateTimeOffset At) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)32;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Time(At);
    }

    public static ReembedRestarted Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new ReembedRestarted(reader.Guid(), reader.Time());
    }

    public ValueTask ApplyAsync(ChangeContext context)
    {
        StoreState state = context.State;
        if (state.Jobs.Find(JobId) is ReembedJobEntry { IsFinished: false } job && state.Find(job.Incarnation) is { } entry)
        {
            ReembedEnded.RemoveBuilt(state, entry, job);
            state.Jobs.Restart(job, At);
        }

        return ValueTask.CompletedTask;
    }
}
