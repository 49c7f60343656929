using System.Text;
using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Callbacks;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Items;
using Moorcheh.Jobs;
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
    NamespaceTable namespaces,
    IJournal journal,
    CheckpointGate gate,
    DiskState disk,
    WorkMarks marks,
    Embedder? embedder,
    ArtifactEnding ending,
    ProgressReporter progress,
    MoorchehOptions options,
    ILogger logger)
{
    private const int MaxAttempts = 5;

    private readonly DocumentSource _source = new(journal, options, logger);

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
        Jobs.JobRegistry.Start(task, options.TimeProvider.GetUtcNow());
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
        catch (MoorchehException) when (task.Unfinished is null && state.Find(task.Status.NamespaceName)?.Failure is not null)
        {
            return false;
        }
        catch (MoorchehException e) when (task.Unfinished is null && !DiskTrouble.Is(e))
        {
            await ending.EndAsync(task, e.Code, e.Message, stopping).ConfigureAwait(false);
        }
        catch (Exception e) when (task.Unfinished is null && !DiskTrouble.Is(e) && task.FailedAttempts >= MaxAttempts - 1)
        {
            logger.JobStepFailed(task.Status.JobId, MaxAttempts, e);
            await ending.EndAsync(task, ErrorCodes.StorageFailed, $"The ingestion cannot go on: {e.Message}", stopping).ConfigureAwait(false);
        }

        return true;
    }

    private async Task IngestAsync(ArtifactTaskEntry task, CancellationToken stopping, CancellationToken stop)
    {
        ArtifactTaskAccepted accepted = ArtifactTaskAccepted.Read(journal.Read(task.Address, JournalEntryType.ArtifactTaskAccepted).Span);
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

        CheckEmbedder(state.Find(task.Status.NamespaceName), embedder);
        var places = new PlaceReservation(state.Quota);
        try
        {
            places.Set(CountNew(state.Find(task.Status.NamespaceName), task.Key, chunks.Count));
            disk.RequireRoomForAccepted(2L * text.Length);
            (List<long> parts, EmbedderFingerprint fingerprint) = await StageAsync(task, text, chunks, embedder, stop).ConfigureAwait(false);
            CrashPoints.Pass(CrashPoints.ArtifactStaged);
            var stored = new ArtifactStored(task.Id, Guid.Empty, false, default, metadata, fingerprint, parts, chunks.Count);
            while (!await TryStoreAsync(task, stored, embedder, places, stopping, stop).ConfigureAwait(false))
            {
                // The namespace came or went meanwhile.
            }
        }
        finally
        {
            places.Set(0);
        }
    }

    private async ValueTask<bool> IsStoredAsync(ArtifactTaskEntry task, ItemMetadata metadata) =>
        state.Find(task.Status.NamespaceName) is { State: NamespaceState.Active } entry
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

    /// <summary>Embeds the chunks and puts them into the journal, where nothing refers to them yet.</summary>
    private async Task<(List<long> Parts, EmbedderFingerprint Fingerprint)> StageAsync(
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
            using (await gate.EnterChangeAsync().ConfigureAwait(false))
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
                parts.Add(journal.Append(JournalEntryType.UploadChunk, writer.Written));
                start = i + 1;
                UploadChunk.Start(writer, task.Id, first + start);
            }
        }
    }

    /// <summary>Stores the artifact.</summary>
    /// <returns>False when the namespace came or went meanwhile: nothing was done.</returns>
    private async Task<bool> TryStoreAsync(
        ArtifactTaskEntry task, ArtifactStored stored, Embedder embedder, PlaceReservation places, CancellationToken stopping, CancellationToken stop)
    {
        string collection = task.Status.NamespaceName;
        if (state.Find(collection) is not { } entry)
        {
            return await namespaces.TryCreateWithinAsync(
                collection, created => CreateAsync(task, stored with { Incarnation = created.Incarnation, Created = true, At = created.At }, places, stopping), stop)
                .ConfigureAwait(false);
        }

        return await NamespaceChanges.RunAsync(
            entry, gate, journal, () => StoreAsync(task, entry, stored, embedder, places), stop).ConfigureAwait(false);
    }

    /// <summary>Stores the artifact in a namespace that is there. Called inside a change of it.</summary>
    /// <returns>False when it went meanwhile.</returns>
    private async Task<bool> StoreAsync(ArtifactTaskEntry task, NamespaceEntry entry, ArtifactStored stored, Embedder embedder, PlaceReservation places)
    {
        if (state.Find(entry.Name) != entry)
        {
            return false;
        }

        CheckEmbedder(entry, embedder);
        int added = CountNew(entry, task.Key, stored.ChunkCount);
        places.Set(added);
        stored = stored with { Incarnation = entry.Incarnation, At = options.TimeProvider.GetUtcNow() };
        Append(task, stored, () => ending.FinishAsync(entry));
        places.Keep();
        await NamespaceChanges.CarryOutAsync(entry, journal, async () =>
        {
            // Before anybody can read that the task has ended.
            state.Quota.UseReserved(added);
            state.Quota.Remove(Math.Max(0, (entry.Artifacts.GetValueOrDefault(task.Key)?.ChunkCount ?? 0) - stored.ChunkCount));
            await state.ApplyAsync(task, entry, stored, ReadChunks).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return true;
    }

    /// <summary>Stores the artifact together with the namespace that begins to exist with it. Called inside the gate.</summary>
    private async Task CreateAsync(ArtifactTaskEntry task, ArtifactStored stored, PlaceReservation places, CancellationToken stopping)
    {
        var entry = new NamespaceEntry(stored.Incarnation, task.Status.NamespaceName, NamespaceKind.Text, null, stored.At);
        places.Set(stored.ChunkCount);
        Append(task, stored, () => ending.FinishAsync(entry));
        places.Keep();
        await ending.InsistAsync(stopping).ConfigureAwait(false);
        try
        {
            state.Quota.UseReserved(stored.ChunkCount);
            await state.ApplyAsync(task, entry, stored, ReadChunks).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // The journal has it as a whole; the state gets to know the namespace so that no checkpoint is taken without it.
            NamespaceChanges.Stop(entry, e);
            state.Restore(entry);
            throw;
        }
    }

    private bool MayEnd(ArtifactTaskEntry task)
    {
        lock (state.Artifacts.Lock)
        {
            return task.MayEnd;
        }
    }

    /// <summary>Journals the end of the ingest, unless something else has ended it or may.</summary>
    private void Append(ArtifactTaskEntry task, ArtifactStored stored, Func<Task> finish)
    {
        var writer = new ByteWriter();
        stored.Write(writer);
        lock (state.Artifacts.Lock)
        {
            if (!task.MayEnd)
            {
                throw new OperationCanceledException();
            }

            journal.Append(JournalEntryType.ArtifactStored, writer.Written);
            task.IsEnding = true;
            task.Unfinished = finish;
        }
    }

    private UploadChunk ReadChunks(long address) => UploadChunk.Parse(journal.Read(address, JournalEntryType.UploadChunk));

    private static void CheckEmbedder(NamespaceEntry? entry, Embedder embedder)
    {
        if (entry is null)
        {
            return;
        }

        ArtifactAcceptor.CheckKind(entry);
        if (entry.State != NamespaceState.Active)
        {
            throw new MoorchehException(ErrorCodes.NamespaceDeleting, $"Namespace '{entry.Name}' was deleted.");
        }

        if (entry.BoundEmbedder is { } bound && !embedder.Matches(bound))
        {
            throw embedder.Mismatch(entry.Name, bound);
        }
    }

    /// <summary>How many of the chunks are new items: an earlier version, or a plain item of that id, has its place already.</summary>
    private static int CountNew(NamespaceEntry? entry, ArtifactKey key, int chunkCount)
    {
        if (entry is null || entry.Index.Count == 0)
        {
            return chunkCount;
        }

        return Enumerable.Range(0, chunkCount).Count(i => entry.Index.FindRecord(Encoding.UTF8.GetBytes(key.ChunkId(i))) < 0);
    }

    /// <summary>Places below the item cap that an ingest keeps.</summary>
    private sealed class PlaceReservation(ItemQuota quota)
    {
        private int _places;

        /// <summary>Keeps this many.</summary>
        /// <exception cref="MoorchehException"><see cref="ErrorCodes.ItemLimitExceeded"/>.</exception>
        public void Set(int places)
        {
            if (places > _places)
            {
                quota.Reserve(places - _places);
            }
            else
            {
                quota.Release(_places - places);
            }

            _places = places;
        }

        /// <summary>From here on they are the stored artifact's.</summary>
        public void Keep() => _places = 0;
    }
}
