using Moorcheh.Jobs;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>
/// An acceptance before this entry was taken back: there is no such job. Earlier builds wrote it, this one only reads it. A task that was taken back revoked
/// nothing either, so replay knows of it before it comes to the acceptance: <see cref="ChangeContext.Aborted"/>.
/// </summary>
internal sealed record UploadAborted(Guid JobId) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)11;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer) => writer.Guid(JobId);

    public static UploadAborted Read(ReadOnlySpan<byte> body) => new(new ByteReader(body).Guid());

    public ValueTask ApplyAsync(ChangeContext context)
    {
        StoreState state = context.State;
        if (state.Jobs.Find(JobId) is UploadJobEntry job && state.Find(job.Incarnation) is { } entry)
        {
            entry.Dequeue(job);
            state.Jobs.Forget(job);
        }

        return ValueTask.CompletedTask;
    }
}
