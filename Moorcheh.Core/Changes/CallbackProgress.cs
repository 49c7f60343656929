using Moorcheh.Artifacts.Tasks;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A message tells how far a task is. Whether it was ever sent does not show here.</summary>
internal sealed record CallbackProgress(Guid JobId, int Number, DateTimeOffset At, CallbackStep Step, int Hundredths) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)17;

    public JournalEntryType Type => TypeNumber;

    /// <summary>Not written: false when the entry is not known to be on disk yet.</summary>
    public bool IsDurable { get; init; } = true;

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Int32(Number);
        writer.Time(At);
        writer.Byte((byte)Step);
        writer.Int32(Hundredths);
    }

    public static CallbackProgress Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new CallbackProgress(reader.Guid(), reader.Int32(), reader.Time(), (CallbackStep)reader.Byte(), reader.Int32());
    }

    /// <summary>As <see cref="ApplyAsync"/>, for callers who hold a lock.</summary>
    public void Apply(StoreState state)
    {
        if (state.Jobs.Find(JobId) is ArtifactTaskEntry { IsFinished: false, Callback: not null } task)
        {
            state.Messages.Progress(task, Number, Step, Hundredths, At, IsDurable);
        }
    }

    public ValueTask ApplyAsync(ChangeContext context)
    {
        Apply(context.State);
        return ValueTask.CompletedTask;
    }
}
