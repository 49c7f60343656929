using System.Text;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>
/// The entries <c>[From, To)</c> of an upload take effect here: each is stored, unless it is among the failures or stands in for a
/// later entry of the same id. Texts bring the vectors they were embedded to, so that nothing is embedded twice.
/// </summary>
/// <param name="JobId">The upload.</param>
/// <param name="From">First entry.</param>
/// <param name="To">First entry after it.</param>
/// <param name="At">The time of storing.</param>
/// <param name="Failures">In order of index.</param>
/// <param name="Embedder">Set when any text was embedded.</param>
/// <param name="Vectors">The vectors of the stored texts, in order, one after the other.</param>
internal sealed record UploadProgress(
    Guid JobId, int From, int To, DateTimeOffset At, IReadOnlyList<UploadFailure> Failures, EmbedderFingerprint? Embedder, ReadOnlyMemory<float> Vectors) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)5;

    public JournalEntryType Type => TypeNumber;

    /// <summary>Not written: the chunk that has the entries.</summary>
    public UploadChunk? Chunk { get; init; }

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Int32(From);
        writer.Int32(To);
        writer.Time(At);
        writer.Int32(Failures.Count);
        foreach (UploadFailure failure in Failures)
        {
            writer.Int32(failure.Index);
            writer.String(failure.Message);
        }

        EmbedderFingerprint.Write(writer, Embedder);
        writer.Floats(Vectors.Span);
    }

    public static UploadProgress Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        Guid job = reader.Guid();
        int from = reader.Int32();
        int to = reader.Int32();
        DateTimeOffset at = reader.Time();
        var failures = new UploadFailure[reader.Int32()];
        for (int i = 0; i < failures.Length; i++)
        {
            failures[i] = new UploadFailure(reader.Int32(), reader.String());
        }

        return new UploadProgress(job, from, to, at, failures, EmbedderFingerprint.Read(ref reader), reader.Floats().ToArray());
    }

    /// <summary>Stores the entries, makes them visible and counts them, in this order. The quota has them since they were chosen.</summary>
    public async ValueTask ApplyAsync(ChangeContext context)
    {
        StoreState state = context.State;
        if (state.Jobs.Find(JobId) is not UploadJobEntry { IsFinished: false } job || job.Cursor != From || state.Find(job.Incarnation) is not { } entry)
        {
            return;
        }

        UploadChunk chunk = Chunk ?? context.Chunks.At(job, From);
        int successful = 0;
        int failed = 0;
        int nextFailure = 0;
        int nextVector = 0;
        int dimension = Embedder?.Dimension ?? 0;
        List<ItemError> errors = [];
        var items = new ItemWriter(state.Records, entry);

        // Before the first vector: a namespace with items and the embedder of earlier ones would refuse requests for a moment.
        entry.Embedder = Embedder ?? entry.Embedder;
        for (int i = From; i < To; i++)
        {
            int weight = chunk.Weight(i);
            if (weight == 0)
            {
                continue;
            }

            job.Unreserve(i);
            if (nextFailure < Failures.Count && Failures[nextFailure].Index == i)
            {
                errors.Add(new ItemError(i, Encoding.UTF8.GetString(chunk.Id(i)), Failures[nextFailure].Message));
                nextFailure++;
                failed += weight;
                continue;
            }

            DateTimeOffset createdAt = await items.ReplaceAsync(chunk, i, At).ConfigureAwait(false);
            ReadOnlySpan<float> vector = chunk.HasText(i) ? Vectors.Span.Slice(nextVector++ * dimension, dimension) : chunk.Vector(i);
            items.Put(chunk, i, vector, chunk.Metadata(i), createdAt, At);
            successful += weight;
        }

        await items.PublishAsync(At).ConfigureAwait(false);
        items.DeleteGone();
        if (To == job.Status.Total)
        {
            entry.Dequeue(job); // Before anybody can read that it has finished.
        }

        state.Jobs.Progress(job, To, successful, failed, errors, At);
    }
}

/// <summary>An entry of an upload that could not be stored.</summary>
/// <param name="Index">Index in the batch.</param>
/// <param name="Message">Complete message, beginning with the entry's name.</param>
internal readonly record struct UploadFailure(int Index, string Message);
