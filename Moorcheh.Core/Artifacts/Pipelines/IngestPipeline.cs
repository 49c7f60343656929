using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Callbacks;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Namespaces;
using Moorcheh.Pipelines;
using Moorcheh.Storage;

namespace Moorcheh.Artifacts.Pipelines;

/// <summary>
/// Carries out an ingest: fetch, read, cut into chunks, embed them in batches, put them into the journal, and store all of them in one step. What
/// is left of one that stops on the way is journal entries that nothing refers to; after a crash it starts anew.
/// </summary>
internal sealed class IngestPipeline(
    StoreState state,
    NamespaceCreation namespaces,
    ChangeLog log,
    DiskState disk,
    WorkMarks marks,
    Embedder? embedder,
    ArtifactEnding ending,
    ProgressReporter progress,
    MoorchehOptions options,
    ILogger logger)
{
    private const int MaxAttempts = 5;

    private readonly DocumentSource _source = new(log, options, logger);
    private readonly ChunkStaging _staging = new(log, progress, options);
    private readonly ArtifactStoring _storing = new(state, namespaces, log, options);

    /// <summary>Works on an ingest until it has ended or is to stop.</summary>
    /// <returns>False when it cannot go on until the store is opened again.</returns>
    public async Task<bool> RunAsync(ArtifactTaskEntry task, CancellationToken stopping)
    {
        if (task.Unfinished is { } finish)
        {
            return await task.FinishAsync(finish).ConfigureAwait(false);
        }

        disk.RequireRoomForAccepted(0); // It waits for room.
        if (task.TooManyEnds is { } cause)
        {
            await ending.EndAsync(task, cause.Code, $"The ingestion cannot go on: {cause.Message}", stopping).ConfigureAwait(false);
            return true;
        }

        using WorkMarks.Mark mark = await marks.BeginAsync([task.Work], task.ProcessEnds, stopping).ConfigureAwait(false);
        state.Jobs.Start(task, options.TimeProvider.GetUtcNow());
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping, task.Cancellation.Token);
        try
        {
            await IngestAsync(task, stopping, stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested || !MayEnd(task))
        {
            // Whoever cancelled it has ended it, or the store is closing.
            stopping.ThrowIfCancellationRequested();
        }
        catch (MoorchehException) when (task.Unfinished is null && state.Find(task.Status.Namespace)?.Failure is not null)
        {
            return false;
        }
        catch (MoorchehException e) when (task.Unfinished is null && !DiskTrouble.Is(e))
        {
            await ending.EndAsync(task, e.Code, e.Message, stopping).ConfigureAwait(false);
        }
        catch (Exception e) when (task.Unfinished is null && !DiskTrouble.Is(e) && task.FailedAttempts >= MaxAttempts - 1)
        {
            logger.JobStepFailed(task.Status.Id, MaxAttempts, e);
            await ending.EndAsync(task, ErrorCodes.StorageFailed, $"The ingestion cannot go on: {e.Message}", stopping).ConfigureAwait(false);
        }

        return true;
    }

    private async Task IngestAsync(ArtifactTaskEntry task, CancellationToken stopping, CancellationToken stop)
    {
        ArtifactTaskAccepted accepted = ArtifactTaskAccepted.Read(log.Read(task.Address, ArtifactTaskAccepted.TypeNumber).Span);
        await progress.BeginAsync(task, CallbackStep.Validation).ConfigureAwait(false);
        string fileName = DocumentSource.FileNameOf(accepted);
        ReadOnlyMemory<byte> content = await _source.FetchAsync(accepted, stop).ConfigureAwait(false);
        IDocumentReader reader = _source.GetReader(accepted.InputKind, fileName);
        ItemMetadata metadata = DocumentSource.Describe(accepted, fileName, embedder?.Model ?? string.Empty, content.Span);
        if (await IsStoredAsync(task, metadata).ConfigureAwait(false))
        {
            await ending.EndAsync(task, null, null, stopping).ConfigureAwait(false);
            return;
        }

        await progress.EndAsync(task, CallbackStep.Validation).ConfigureAwait(false);
        await progress.BeginAsync(task, CallbackStep.Parse).ConfigureAwait(false);
        string text = _source.Read(reader, fileName, content, stop);
        content = default; // The rest takes long, and needs the text only.
        List<Range> chunks = Split(text, stop);
        await progress.EndAsync(task, CallbackStep.Parse).ConfigureAwait(false);
        await progress.BeginAsync(task, CallbackStep.Storage).ConfigureAwait(false);
        if (embedder is null)
        {
            throw new MoorchehException(ErrorCodes.EmbedderMissing, "No embedding provider is configured.");
        }

        ArtifactStoring.Check(state.Find(task.Status.Namespace), embedder);
        var places = new PlaceReservation(state.Quota);
        try
        {
            places.Set(ArtifactStoring.CountNew(state.Find(task.Status.Namespace), task.Key, chunks.Count));
            disk.RequireRoomForAccepted(2L * text.Length);
            (List<long> parts, EmbedderFingerprint fingerprint) = await _staging.StageAsync(task, text, chunks, embedder, stop).ConfigureAwait(false);
            CrashPoints.Pass(CrashPoints.ArtifactStaged);
            var stored = new ArtifactStored(task.Id, Guid.Empty, false, default, metadata, fingerprint, parts, chunks.Count);
            await _storing.StoreAsync(task, stored, embedder, places, stopping, stop).ConfigureAwait(false);
        }
        finally
        {
            places.Set(0);
        }
    }

    private async ValueTask<bool> IsStoredAsync(ArtifactTaskEntry task, ItemMetadata metadata) =>
        state.Find(task.Status.Namespace) is { State: NamespaceState.Active } entry
        && entry.Artifacts.TryGetValue(task.Key, out ArtifactEntry? artifact)
        && metadata.Equals(await ArtifactRecords.FindAsync(state.Records, entry.ArtifactMetadataKey(artifact)).ConfigureAwait(false));

    private List<Range> Split(string text, CancellationToken cancellationToken)
    {
        List<Range> chunks = [];
        foreach (Range chunk in new TextChunker(options.Embedding.CountTokens, options.Artifacts.ChunkTokens).Split(text, cancellationToken))
        {
            chunks.Add(chunk);
            if (chunks.Count > options.Artifacts.MaxChunks)
            {
                throw InvalidFile.Create(InvalidFile.TooManyNodes);
            }
        }

        return chunks;
    }

    private bool MayEnd(ArtifactTaskEntry task)
    {
        lock (state.Artifacts.Lock)
        {
            return task.MayEnd;
        }
    }
}
