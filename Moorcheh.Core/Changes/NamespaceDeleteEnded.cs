using Moorcheh.Artifacts.Tasks;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A namespace delete is over: completed, and the name is free; or failed with an error, and the namespace stays partly deleted.</summary>
internal sealed record NamespaceDeleteEnded(Guid JobId, DateTimeOffset At, string? Error) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)10;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Time(At);
        writer.OptionalString(Error);
    }

    public static NamespaceDeleteEnded Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new NamespaceDeleteEnded(reader.Guid(), reader.Time(), reader.OptionalString());
    }

    public ValueTask ApplyAsync(ChangeContext context)
    {
        StoreState state = context.State;
        if (state.Jobs.Find(JobId) is not DeleteJobEntry { IsFinished: false } job || state.Find(job.Incarnation) is not { } entry)
        {
            return ValueTask.CompletedTask;
        }

        if (Error is null)
        {
            // In replay the records are there again: the record store is as it was at the checkpoint.
            ItemRemoval.Step(state.Records, entry, int.MaxValue);

            // The name is free before anybody can read that the job is completed.
            state.Forget(entry);
            foreach (ArtifactEntry artifact in entry.Artifacts.Values)
            {
                state.Records.Delete(entry.ArtifactMetadataKey(artifact));
            }
        }
        else
        {
            entry.State = NamespaceState.PartlyDeleted;
        }

        state.Jobs.End(job, entry.StoredBytes, Error, At);
        return ValueTask.CompletedTask;
    }
}
