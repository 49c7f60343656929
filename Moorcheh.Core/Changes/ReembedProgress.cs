using Moorcheh.Artifacts.Tasks;
using Moorcheh.Diagnostics;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>Items of a namespace that is embedded again have new vectors, which count once all have one: <see cref="ReembedSwitched"/>.</summary>
/// <param name="JobId">The job.</param>
/// <param name="At">When.</param>
/// <param name="Embedder">Made the vectors; null when there are none.</param>
/// <param name="Sources">Numbers of the records that were embedded.</param>
/// <param name="Vectors">Their vectors, one after the other.</param>
/// <param name="Failures">Items that could not be embedded.</param>
internal sealed record ReembedProgress(
    Guid JobId, DateTimeOffset At, EmbedderFingerprint? Embedder, IReadOnlyList<long> Sources, ReadOnlyMemory<float> Vectors, IReadOnlyList<ItemError> Failures)
    : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)31;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Time(At);
        EmbedderFingerprint.Write(writer, Embedder);
        writer.Int32(Sources.Count);
        foreach (long source in Sources)
        {
            writer.Int64(source);
        }

        writer.Floats(Vectors.Span);
        writer.Int32(Failures.Count);
        foreach (ItemError failure in Failures)
        {
            writer.Int32(failure.Index);
            writer.String(failure.Id);
            writer.String(failure.Message);
        }
    }

    public static ReembedProgress Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        Guid jobId = reader.Guid();
        DateTimeOffset at = reader.Time();
        EmbedderFingerprint? embedder = EmbedderFingerprint.Read(ref reader);
        long[] sources = new long[reader.Int32()];
        for (int i = 0; i < sources.Length; i++)
        {
            sources[i] = reader.Int64();
        }

        float[] vectors = reader.Floats().ToArray();
        var failures = new ItemError[reader.Int32()];
        for (int i = 0; i < failures.Length; i++)
        {
            failures[i] = new ItemError(reader.Int32(), reader.String(), reader.String());
        }

        return new ReembedProgress(jobId, at, embedder, sources, vectors, failures);
    }

    public async ValueTask ApplyAsync(ChangeContext context)
    {
        StoreState state = context.State;
        if (state.Jobs.Find(JobId) is not ReembedJobEntry { IsFinished: false } job || state.Find(job.Incarnation) is not { } entry)
        {
            return;
        }

        job.Embedder = Embedder ?? job.Embedder;
        var writer = new ByteWriter();
        for (int i = 0; i < Sources.Count; i++)
        {
            try
            {
                using RecordLease lease = await state.Records.ReadAsync(entry.ItemKey(Sources[i])).ConfigureAwait(false);
                long replaced = lease.IsFound ? Put(state.Records, entry, job, i, lease.Body, writer) : -1;
                if (replaced >= 0)
                {
                    await RemoveAsync(state.Records, entry, job, replaced, isKept: replaced == ItemGeneration.Next(Sources[i])).ConfigureAwait(false);
                }
            }
            catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
            {
                // It has no new vector, so the job looks at it again, and fails.
            }

            CrashPoints.Pass(CrashPoints.ReembedStoring);
        }

        await IndexTidying.TidyAsync(state.Records, entry, job.Index).ConfigureAwait(false);
        state.Jobs.Progress(job, Failures, At);
    }

    /// <summary>Takes what was built of an item out of the sum of bytes, and deletes its record.</summary>
    public static async ValueTask RemoveAsync(IRecordStore records, NamespaceEntry entry, ReembedJobEntry job, long record, bool isKept = false)
    {
        try
        {
            using RecordLease lease = await records.ReadAsync(entry.ItemKey(record)).ConfigureAwait(false);
            job.StoredBytes -= lease.IsFound ? ItemRecord.Parse(lease.Body).StoredBytes : 0;
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
        {
            // Only the sum of bytes is off by it.
        }

        if (!isKept)
        {
            records.Delete(entry.ItemKey(record));
        }
    }

    /// <summary>Stores an item with its new vector.</summary>
    /// <returns>The record that was built of an earlier version of it; -1 when there is none.</returns>
    private long Put(IRecordStore records, NamespaceEntry entry, ReembedJobEntry job, int i, ReadOnlySpan<byte> source, ByteWriter writer)
    {
        ItemRecord item = ItemRecord.Parse(source);
        int dimension = Embedder!.Dimension;
        ReadOnlySpan<float> vector = Vectors.Span.Slice(i * dimension, dimension);
        ReadOnlySpan<byte> metadata = entry.FindOwner(item.Id) is null ? item.Metadata : EmbedModel.Replace(item.Metadata, Embedder.Model);
        writer.Clear();
        ItemRecord.Write(writer, item.CreatedAt, item.UpdatedAt, vector, item.Id, item.HasText, item.Text, metadata);
        long number = ItemGeneration.Next(Sources[i]);
        records.Upsert(entry.ItemKey(number), writer.Written);
        job.StoredBytes += ItemRecord.DataBytes(item.Id.Length, dimension, item.Text.Length, metadata.Length);
        return job.Index.Put(item.Id, vector, number, metadata, item.Text);
    }
}
