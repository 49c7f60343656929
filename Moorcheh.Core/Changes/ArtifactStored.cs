using Moorcheh.Artifacts;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Diagnostics;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>
/// An ingest succeeds: the chunks, which precede this entry as <see cref="JournalEntryType.UploadChunk"/> entries, take the place of an earlier
/// version of the artifact in one step.
/// </summary>
/// <param name="JobId">The task.</param>
/// <param name="Incarnation">The namespace.</param>
/// <param name="Created">True when the namespace begins to exist here.</param>
/// <param name="At">The time of storing.</param>
/// <param name="DocMetadata">Of the artifact; its chunks have it too, with their index and count.</param>
/// <param name="Embedder">Made the vectors.</param>
/// <param name="Parts">Addresses of the chunks' entries.</param>
/// <param name="ChunkCount">Chunks in all of them.</param>
internal sealed record ArtifactStored(
    Guid JobId, Guid Incarnation, bool Created, DateTimeOffset At, ItemMetadata DocMetadata, EmbedderFingerprint Embedder, IReadOnlyList<long> Parts, int ChunkCount)
    : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)14;

    public JournalEntryType Type => TypeNumber;

    /// <summary>Not written: the namespace that begins to exist here.</summary>
    public NamespaceEntry? Namespace { get; init; }

    /// <summary>Not written: the places below the item cap that are kept for chunks which are new items.</summary>
    public int Places { get; init; }

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Guid(Incarnation);
        writer.Byte(Created ? (byte)1 : (byte)0);
        writer.Time(At);
        writer.Bytes(DocMetadata.Utf8Json.Span);
        EmbedderFingerprint.Write(writer, Embedder);
        writer.Int32(Parts.Count);
        foreach (long part in Parts)
        {
            writer.Int64(part);
        }

        writer.Int32(ChunkCount);
    }

    public static ArtifactStored Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        Guid jobId = reader.Guid();
        Guid incarnation = reader.Guid();
        bool created = reader.Byte() != 0;
        DateTimeOffset at = reader.Time();
        ItemMetadata metadata = ItemMetadata.FromStored(reader.Bytes());
        EmbedderFingerprint embedder = EmbedderFingerprint.Read(ref reader) ?? throw new InvalidDataException("An artifact has no embedder.");
        long[] parts = new long[reader.Int32()];
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = reader.Int64();
        }

        return new ArtifactStored(jobId, incarnation, created, at, metadata, embedder, parts, reader.Int32());
    }

    /// <summary>
    /// Stores the artifact in place of an earlier version: to searches, lists and readers in one step. A namespace that begins to exist with it is
    /// found once everything is in it.
    /// </summary>
    public async ValueTask ApplyAsync(ChangeContext context)
    {
        StoreState state = context.State;
        if (state.Jobs.Find(JobId) is not ArtifactTaskEntry { IsFinished: false } task || FindNamespace(state, task) is not { } entry)
        {
            return;
        }

        ArtifactEntry? before = entry.Artifacts.GetValueOrDefault(task.Key);

        // Before anybody can read that the task has ended.
        state.Quota.UseReserved(Places);
        state.Quota.Remove(Math.Max(0, (before?.ChunkCount ?? 0) - ChunkCount));
        var artifact = new ArtifactEntry(task.Key, task.Status.Artifact, entry.NextRecord, ChunkCount);
        var items = new ItemWriter(state.Records, entry);
        entry.Embedder = Embedder;
        await PutAsync(context, items, task.Key, before?.ChunkCount ?? 0).ConfigureAwait(false);
        state.Records.Upsert(entry.ArtifactMetadataKey(artifact), DocMetadata.Utf8Json.Span);
        if (task.IsSync)
        {
            task.Result = DocMetadata;
        }
        else
        {
            state.Records.Upsert(ArtifactRecords.ResultKey(task.Id), DocMetadata.Utf8Json.Span);
        }

        await items.PublishAsync(At).ConfigureAwait(false);
        entry.Artifacts[task.Key] = artifact;
        items.DeleteGone();
        if (before is not null)
        {
            state.Records.Delete(entry.ArtifactMetadataKey(before));
        }

        if (Created)
        {
            state.Restore(entry);
        }

        state.End(task, ArtifactTaskState.Success, null, null, At, stored: DocMetadata);
    }

    private NamespaceEntry? FindNamespace(StoreState state, ArtifactTaskEntry task) => Created
        ? Namespace ?? new NamespaceEntry(Incarnation, task.Status.Namespace, NamespaceKind.Text, null, At)
        : state.Find(Incarnation);

    /// <summary>Stores the chunks and removes those of an earlier version that had more of them.</summary>
    private async ValueTask PutAsync(ChangeContext context, ItemWriter items, ArtifactKey key, int countBefore)
    {
        var metadata = new ChunkMetadata(DocMetadata, ChunkCount);
        items.Expect(ChunkCount, Parts.Select(context.Chunks.Read));
        foreach (long part in Parts)
        {
            UploadChunk chunk = context.Chunks.Read(part);
            for (int i = chunk.First; i < chunk.End; i++)
            {
                DateTimeOffset createdAt = await items.ReplaceAsync(chunk, i, At).ConfigureAwait(false);
                items.Put(chunk, i, chunk.Vector(i), metadata.Of(i), createdAt, At);
            }

            CrashPoints.Pass(CrashPoints.ArtifactStoring);
        }

        for (int i = ChunkCount; i < countBefore; i++)
        {
            await items.RemoveAsync(key.ChunkId(i)).ConfigureAwait(false);
        }
    }
}
