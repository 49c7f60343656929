using System.Text;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>
/// Embeds the texts of a namespace again, step by step: read them, embed, journal the vectors, put them beside those there are. When each item has one, a single
/// change puts them in the place of the old. Uploads of the namespace wait meanwhile; all else goes on.
/// </summary>
internal sealed class ReembedPipeline(StoreState state, ChangeLog log, DiskState disk, WorkMarks marks, Embedder? embedder, MoorchehOptions options)
{
    /// <summary>More than an item takes in the journal besides its vector, id and error.</summary>
    private const int OutcomeBytes = 128;

    private readonly ReembedWalk _walk = new(state, options);

    /// <summary>Does the next part of the re-embedding of a namespace.</summary>
    /// <returns>True when there may be more to do.</returns>
    public async Task<bool> StepAsync(NamespaceEntry entry, ReembedJobEntry job, CancellationToken cancellationToken)
    {
        if (entry.Failure is not null)
        {
            return false;
        }

        if (entry.Unfinished is not null)
        {
            await log.FinishAsync(entry, cancellationToken).ConfigureAwait(false);
            job.Waiting = null; // Some of it may be done.
            return true;
        }

        if (!job.IsWorkable)
        {
            // Whoever cancelled it ends it, or has; or could not.
            return await EndCancelledAsync(entry, job).ConfigureAwait(false);
        }

        if (await EndImpossibleAsync(entry, job).ConfigureAwait(false))
        {
            return true;
        }

        if (disk.ReadOnlyReason is not null)
        {
            await Task.Delay(DiskState.RetryPause, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            return true;
        }

        using WorkMarks.Mark mark = await marks.BeginAsync([job.Work], job.ProcessEnds).ConfigureAwait(false);
        return await EmbedStepAsync(entry, job, embedder!, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends a job whose steps keep failing; the namespace stays as it was.</summary>
    public Task GiveUpAsync(NamespaceEntry entry, ReembedJobEntry job, Exception cause) =>
        EndAsync(entry, job, $"The re-embedding cannot go on: {cause.Message}", cancelled: false);

    /// <summary>Ends a job at the next safe point; the namespace stays as it was.</summary>
    /// <returns>False when it had ended before.</returns>
    public async Task<bool> CancelAsync(NamespaceEntry entry, ReembedJobEntry job, ChangeTicket ticket)
    {
        ChangeLog.CheckNotStopped(entry);
        ticket.Begin(job.Status.Id, entry.Name); // From here on no more is done of it, so it must be ended.
        await job.Cancellation.CancelAsync().ConfigureAwait(false);
        return await EndCancelledAsync(entry, job).ConfigureAwait(false) || job.Status.Cancelled;
    }

    private Task<bool> EndCancelledAsync(NamespaceEntry entry, ReembedJobEntry job) =>
        EndAsync(entry, job, $"Job '{job.Status.Id}' was cancelled.", cancelled: true);

    private async Task<bool> EmbedStepAsync(NamespaceEntry entry, ReembedJobEntry job, Embedder generator, CancellationToken cancellationToken)
    {
        if (job.Embedder is { } built && !generator.Matches(built))
        {
            return await ChangeAsync(entry, job, now => new ReembedRestarted(job.Id, now), cancellationToken).ConfigureAwait(false);
        }

        ReembedPage page = await _walk.NextAsync(entry, job).ConfigureAwait(false);
        if (page.Sources.Count == 0)
        {
            return await FinishAsync(entry, job, cancellationToken).ConfigureAwait(false);
        }

        EmbeddedText[] embedded;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, entry.Deleted.Token, job.Cancellation.Token);
        try
        {
            embedded = await generator.EmbedAsync([.. page.Sources.Select(source => source.Text)], stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await Task.Yield();
            return true; // Whoever cancelled it ends the job.
        }

        if (Array.TrueForAll(embedded, text => text.Error is not null))
        {
            // Rather the embedder's fault than that of all texts: an attempt of the job.
            throw new MoorchehException(ErrorCodes.EmbedderFailed, MessageOf(page.Sources[0], embedded[0]));
        }

        return await log.RunAsync(entry, () => StoreAsync(entry, job, generator, page, embedded), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Journals what was embedded and puts it beside what there is. Called inside a change of the namespace.</summary>
    private async Task<bool> StoreAsync(NamespaceEntry entry, ReembedJobEntry job, Embedder generator, ReembedPage page, EmbeddedText[] embedded)
    {
        if (!job.IsWorkable || entry.State != NamespaceState.Active)
        {
            return true;
        }

        DateTimeOffset now = options.TimeProvider.GetUtcNow();
        int dimension = Array.Find(embedded, text => text.Error is null).Vector.Length;
        EmbedderFingerprint fingerprint = generator.Fingerprint(dimension);
        if (job.Embedder is { } built && built != fingerprint)
        {
            await log.ChangeAsync(entry, new ReembedRestarted(job.Id, now)).ConfigureAwait(false); // It did not declare its dimension, and has another one now.
            return true;
        }

        foreach (ReembedProgress change in Decide(entry, job, page, embedded, fingerprint, now).ToList())
        {
            await log.ChangeAsync(entry, change).ConfigureAwait(false);
        }

        job.Handled = page.Handled;
        if (job.Refused.Count > JobErrors.MaxKept)
        {
            await log.ChangeAsync(
                entry, Ended(job, $"More than {JobErrors.MaxKept} items could not be embedded; the last error: {job.Status.LastError}")).ConfigureAwait(false);
        }

        return true;
    }

    /// <summary>What becomes of the items that are still as they were read, in changes that fit into the journal.</summary>
    private static IEnumerable<ReembedProgress> Decide(
        NamespaceEntry entry, ReembedJobEntry job, ReembedPage page, EmbeddedText[] embedded, EmbedderFingerprint fingerprint, DateTimeOffset now)
    {
        List<long> sources = [];
        List<float> vectors = [];
        List<ItemError> failures = [];
        int bytes = OutcomeBytes;
        for (int i = 0; i < page.Sources.Count; i++)
        {
            ReembedSource source = page.Sources[i];
            if (entry.Index.FindRecord(Encoding.UTF8.GetBytes(source.Id)) != source.Record)
            {
                continue; // Replaced or removed since.
            }

            string? error = embedded[i].Error is null ? null : MessageOf(source, embedded[i]);
            int more = OutcomeBytes + (embedded[i].Vector.Length * sizeof(float)) + source.Id.Length + Encoding.UTF8.GetByteCount(error ?? string.Empty);
            if (bytes + more > JournalFrame.MaxBodyBytes)
            {
                yield return new ReembedProgress(job.Id, now, fingerprint, sources, vectors.ToArray(), failures);
                (sources, vectors, failures, bytes) = ([], [], [], OutcomeBytes);
            }

            bytes += more;
            if (error is null)
            {
                sources.Add(source.Record);
                vectors.AddRange(embedded[i].Vector.Span);
            }
            else
            {
                job.Refused[source.Record] = source.Id;
                failures.Add(new ItemError(job.Handled + i, source.Id, error));
            }
        }

        if (sources.Count > 0 || failures.Count > 0)
        {
            yield return new ReembedProgress(job.Id, now, fingerprint, sources, vectors.ToArray(), failures);
        }
    }

    /// <summary>Puts the new vectors in the place of the old, unless some are missing.</summary>
    private Task<bool> FinishAsync(NamespaceEntry entry, ReembedJobEntry job, CancellationToken cancellationToken) => log.RunAsync(
        entry,
        async () =>
        {
            if (!job.IsWorkable || entry.State != NamespaceState.Active)
            {
                return true;
            }

            (job.Waiting, job.Handled) = (ReembedWalk.Look(entry, job), 0);
            if (job.Waiting.Count > 0)
            {
                return true; // They came meanwhile.
            }

            string[] refused = [.. entry.Index.LiveRecords().Where(job.Refused.ContainsKey).Select(record => job.Refused[record])];
            if (refused.Length > 0)
            {
                await log.ChangeAsync(
                    entry,
                    Ended(job, $"{refused.Length} items could not be embedded, '{refused[0]}' among them; the namespace stays as it was. {job.Status.LastError}"),
                    CrashPoints.ReembedEnding).ConfigureAwait(false);
                return true;
            }

            await log.ChangeAsync(
                entry, new ReembedSwitched(job.Id, options.TimeProvider.GetUtcNow()), CrashPoints.ReembedSwitchCommitted).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    /// <summary>Ends a job that cannot be carried out.</summary>
    private async Task<bool> EndImpossibleAsync(NamespaceEntry entry, ReembedJobEntry job)
    {
        if (job.TooManyEnds is { } cause)
        {
            await GiveUpAsync(entry, job, cause).ConfigureAwait(false);
            return true;
        }

        if (embedder is null)
        {
            return await EndAsync(entry, job, "No embedding provider is configured.", cancelled: false).ConfigureAwait(false);
        }

        try
        {
            disk.RequireRoomForAccepted(state.Records.UnflushedBytes);
            return false;
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.StorageFull)
        {
            // Unlike an upload it gives back what it took, so that others can go on.
            return await EndAsync(entry, job, "Storage is full; the namespace stays as it was.", cancelled: false).ConfigureAwait(false);
        }
        catch (MoorchehException)
        {
            return false; // Writes fail, which is waited out.
        }
    }

    private Task<bool> EndAsync(NamespaceEntry entry, ReembedJobEntry job, string lastError, bool cancelled) => log.RunAsync(
        entry,
        async () =>
        {
            if (job.IsFinished)
            {
                return false;
            }

            await log.ChangeAsync(entry, Ended(job, lastError, cancelled), CrashPoints.ReembedEnding).ConfigureAwait(false);
            return true;
        });

    private Task<bool> ChangeAsync(NamespaceEntry entry, ReembedJobEntry job, Func<DateTimeOffset, IChange> change, CancellationToken cancellationToken) =>
        log.RunAsync(
            entry,
            async () =>
            {
                if (job.IsWorkable)
                {
                    await log.ChangeAsync(entry, change(options.TimeProvider.GetUtcNow())).ConfigureAwait(false);
                }

                return true;
            },
            cancellationToken);

    private ReembedEnded Ended(ReembedJobEntry job, string lastError, bool cancelled = false) =>
        new(job.Id, options.TimeProvider.GetUtcNow(), lastError, cancelled);

    private static string MessageOf(ReembedSource source, EmbeddedText text) => $"Item '{source.Id}': embedding failed: {text.Error}.";
}
