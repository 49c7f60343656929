using Moorcheh.Artifacts.Tasks;
using Moorcheh.Diagnostics;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>
/// Each item of a namespace has a new vector: vectors, dimension and embedder change in one step, to searches as on disk. What was there before goes, as do
/// new vectors of items that were removed meanwhile.
/// </summary>
internal sealed record ReembedSwitched(Guid JobId, DateTimeOffset At) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)33;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Time(At);
    }

    public static ReembedSwitched Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new ReembedSwitched(reader.Guid(), reader.Time());
    }

    public async ValueTask ApplyAsync(ChangeContext context)
    {
        StoreState state = context.State;
        if (state.Jobs.Find(JobId) is not ReembedJobEntry { IsFinished: false } job || state.Find(job.Incarnation) is not { } entry)
        {
            return;
        }

        List<long> before = entry.Index.LiveRecords();
        HashSet<long> gone = [.. job.Index.LiveRecords()];
        gone.ExceptWith(before.Select(ItemGeneration.Next));
        job.Index.RemoveRecords(gone);
        foreach (long record in gone)
        {
            await ReembedProgress.RemoveAsync(state.Records, entry, job, record).ConfigureAwait(false);
        }

        CrashPoints.Pass(CrashPoints.ReembedSwitching);

        Dictionary<ArtifactEntry, ArtifactEntry> artifacts = await CopyArtifactsAsync(state.Records, entry, job).ConfigureAwait(false);
        entry.UpdatedAt = At;
        entry.Adopt(job);
        foreach ((ArtifactEntry old, ArtifactEntry now) in artifacts)
        {
            entry.Artifacts[old.Key] = now; // Before the records go that whoever read the old entry is about to read.
        }

        foreach (long record in before)
        {
            state.Records.Delete(entry.ItemKey(record));
        }

        foreach (ArtifactEntry old in artifacts.Keys)
        {
            state.Records.Delete(entry.ArtifactMetadataKey(old));
        }

        entry.Reembedding = null;
        state.Jobs.Complete(job, At);
    }

    /// <summary>Gives the artifacts of a namespace the numbers that their chunks have in the next generation, and the name of the new model.</summary>
    private static async ValueTask<Dictionary<ArtifactEntry, ArtifactEntry>> CopyArtifactsAsync(
        IRecordStore records, NamespaceEntry entry, ReembedJobEntry job)
    {
        Dictionary<ArtifactEntry, ArtifactEntry> artifacts = [];
        foreach (ArtifactEntry artifact in entry.Artifacts.Values)
        {
            ArtifactEntry next = artifact with { FirstRecord = ItemGeneration.Next(artifact.FirstRecord) };
            artifacts.Add(artifact, next);
            try
            {
                using RecordLease metadata = await records.ReadAsync(entry.ArtifactMetadataKey(artifact)).ConfigureAwait(false);
                if (metadata.IsFound)
                {
                    records.Upsert(
                        entry.ArtifactMetadataKey(next), job.Embedder is { } embedder ? EmbedModel.Replace(metadata.Body, embedder.Model) : metadata.Body);
                }
            }
            catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
            {
                // Whoever reads the artifact is told, as before, since there is no such record.
            }
        }

        return artifacts;
    }
}
