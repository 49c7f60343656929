using Moorcheh.Jobs;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>An upload ends before its last entry: the entries that are left count as failed.</summary>
internal sealed record UploadEnded(Guid JobId, DateTimeOffset At, string LastError, bool Cancelled) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)6;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Time(At);
        writer.String(LastError);
        writer.Byte(Cancelled ? (byte)1 : (byte)0);
    }

    public static UploadEnded Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new UploadEnded(reader.Guid(), reader.Time(), reader.String(), reader.Byte() != 0);
    }

    public ValueTask ApplyAsync(ChangeContext context)
    {
        StoreState state = context.State;
        if (state.Jobs.Find(JobId) is UploadJobEntry { IsFinished: false } job)
        {
            state.Quota.Release(job.CountReserved());
            state.Find(job.Incarnation)?.Dequeue(job);
            state.Jobs.End(job, LastError, Cancelled, At);
        }

        return ValueTask.CompletedTask;
    }
}
