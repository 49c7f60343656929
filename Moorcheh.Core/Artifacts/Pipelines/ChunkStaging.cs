using Moorcheh.Artifacts.Tasks;
using Moorcheh.Callbacks;
using Moorcheh.Changes;
using Moorcheh.Jobs;
using Moorcheh.Pipelines;
using Moorcheh.Storage;

namespace Moorcheh.Artifacts.Pipelines;

/// <summary>Embeds the chunks of an ingest batch by batch and puts them into the journal, where nothing refers to them yet.</summary>
internal sealed class ChunkStaging(ChangeLog log, ProgressReporter progress, MoorchehOptions options)
{
    public async Task<(List<long> Parts, EmbedderFingerprint Fingerprint)> StageAsync(
        ArtifactTaskEntry task, string text, List<Range> chunks, Embedder embedder, CancellationToken stop)
    {
        List<long> parts = [];
        var writer = new ByteWriter();
        EmbedderFingerprint? fingerprint = null;
        for (int first = 0; first < chunks.Count; first += options.Embedding.BatchItems)
        {
            stop.ThrowIfCancellationRequested();
            string[] texts = [.. chunks.Skip(first).Take(options.Embedding.BatchItems).Select(chunk => text[chunk])];
            EmbeddedText[] embedded = await embedder.EmbedAsync(texts, stop).ConfigureAwait(false);
            if (embedded.FirstOrDefault(one => one.Error is not null) is { Error: { } error })
            {
                throw new MoorchehException(ErrorCodes.EmbedderFailed, $"Embedding failed: {error}.");
            }

            fingerprint ??= embedder.Fingerprint(embedded[0].Vector.Length);
            using (await log.EnterAsync().ConfigureAwait(false))
            {
                AppendChunks(task, first, texts, embedded, writer, parts);
            }

            await progress.ContinueAsync(task, CallbackStep.Storage, first + texts.Length, chunks.Count).ConfigureAwait(false);
        }

        return (parts, fingerprint!);
    }

    private void AppendChunks(ArtifactTaskEntry task, int first, string[] texts, EmbeddedText[] embedded, ByteWriter writer, List<long> parts)
    {
        int start = 0;
        UploadChunk.Start(writer, task.Id, first);
        for (int i = 0; i < texts.Length; i++)
        {
            UploadChunk.Add(writer, 1, task.Key.ChunkId(first + i), texts[i], embedded[i].Vector.Span, null);
            if (writer.Length >= UploadChunk.TargetBytes || i == texts.Length - 1)
            {
                UploadChunk.Finish(writer, i + 1 - start);
                parts.Add(log.Append(JournalEntryType.UploadChunk, writer.Written));
                start = i + 1;
                UploadChunk.Start(writer, task.Id, first + start);
            }
        }
    }
}
