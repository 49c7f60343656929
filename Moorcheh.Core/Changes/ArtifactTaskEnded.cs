using Moorcheh.Artifacts;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A task ends without changing an artifact: it failed, there was nothing to do, or what it was to delete was only being ingested.</summary>
internal sealed record ArtifactTaskEnded(Guid JobId, DateTimeOffset At, string? ErrorCode, string? Error) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)16;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Time(At);
        writer.OptionalString(ErrorCode);
        writer.OptionalString(Error);
    }

    public static ArtifactTaskEnded Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new ArtifactTaskEnded(reader.Guid(), reader.Time(), reader.OptionalString(), reader.OptionalString());
    }

    public ValueTask ApplyAsync(ChangeContext context)
    {
        if (context.State.Jobs.Find(JobId) is ArtifactTaskEntry { IsFinished: false } task)
        {
            bool isSuccess = ErrorCode is null;
            context.State.End(
                task, isSuccess ? ArtifactTaskState.Success : ArtifactTaskState.Failure, ErrorCode, Error, At, isSkipped: isSuccess && task.Status.IsIngest);
        }

        return ValueTask.CompletedTask;
    }
}
