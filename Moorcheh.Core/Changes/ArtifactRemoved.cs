using Moorcheh.Artifacts;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Diagnostics;
using Moorcheh.Items;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A delete succeeds: the artifact, which exists, and its chunks are gone from here on; a hidden namespace goes with its last one.</summary>
internal sealed record ArtifactRemoved(Guid JobId, Guid Incarnation, DateTimeOffset At) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)15;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Guid(Incarnation);
        writer.Time(At);
    }

    public static ArtifactRemoved Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new ArtifactRemoved(reader.Guid(), reader.Guid(), reader.Time());
    }

    public async ValueTask ApplyAsync(ChangeContext context)
    {
        StoreState state = context.State;
        if (state.Jobs.Find(JobId) is ArtifactTaskEntry { IsFinished: false } task && state.Find(Incarnation) is { } entry)
        {
            // Before anybody can read that the task has ended.
            state.Quota.Remove(entry.Artifacts.GetValueOrDefault(task.Key)?.ChunkCount ?? 0);
            await RemoveAsync(state, entry, task.Key, At).ConfigureAwait(false);
            state.End(task, ArtifactTaskState.Success, null, null, At);
        }
    }

    /// <summary>Removes an artifact, if it is there, and a hidden namespace with its last one.</summary>
    public static async ValueTask RemoveAsync(StoreState state, NamespaceEntry entry, ArtifactKey key, DateTimeOffset at)
    {
        if (entry.Artifacts.TryRemove(key, out ArtifactEntry? artifact))
        {
            var items = new ItemWriter(state.Records, entry);
            for (int i = 0; i < artifact.ChunkCount; i++)
            {
                await items.RemoveAsync(key.ChunkId(i)).ConfigureAwait(false);
            }

            CrashPoints.Pass(CrashPoints.ArtifactRemoving);
            await items.PublishAsync(at).ConfigureAwait(false);
            items.DeleteGone();
            state.Records.Delete(entry.ArtifactMetadataKey(artifact));
        }

        if (entry.IsHidden && entry.Artifacts.IsEmpty)
        {
            ReembedEnded.End(state, entry, $"Namespace '{entry.Name}' was deleted.", cancelled: false, at);
            state.Forget(entry);
        }
    }
}
