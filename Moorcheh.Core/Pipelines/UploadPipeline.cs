using Moorcheh.Changes;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>
/// Carries out uploads step by step: read the payload from the journal, embed texts, journal the outcome, then store, make visible
/// and count. A step takes entries of several waiting uploads of a namespace, so that many small ones share a flush.
/// </summary>
internal sealed class UploadPipeline(StoreState state, ChangeLog log, DiskState disk, WorkMarks marks, Embedder? embedder, MoorchehOptions options)
{
    private readonly UploadChoice _choice = new(log, options);
    private readonly UploadEmbedding _embedding = new(embedder);
    private readonly UploadStoring _storing = new(state, log, embedder, options);

    /// <summary>Handles the next entries of a namespace's uploads.</summary>
    /// <returns>True when something was done.</returns>
    public async Task<bool> StepAsync(NamespaceEntry entry, CancellationToken cancellationToken)
    {
        // What an earlier step left moves the cursors, so it goes before the choice of entries.
        if (entry.Failure is null && entry.Unfinished is not null)
        {
            await log.FinishAsync(entry, cancellationToken).ConfigureAwait(false);
            return true;
        }

        if (entry.Failure is null && FindCancelled(entry) is { } cancelled)
        {
            // Whoever cancelled it ends it, or could not: nothing behind it would be worked on.
            await EndCancelledAsync(entry, cancelled).ConfigureAwait(false);
            return true;
        }

        List<UploadRun> runs = entry.Failure is null ? _choice.Next(entry) : [];
        if (runs.Count == 0)
        {
            return false;
        }

        if (disk.ReadOnlyReason is not null)
        {
            // The job was accepted; it goes on when there is room again.
            await Task.Delay(DiskState.RetryPause, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            return true;
        }

        UploadJobEntry[] jobs = [.. runs.Select(run => run.Job).Distinct()];
        if (jobs[0].TooManyEnds is { } cause)
        {
            await GiveUpAsync(entry, jobs[0], cause).ConfigureAwait(false);
            return true;
        }

        // Vectors run nobody else's code, and are many and small: they are marked once a process has ended.
        bool isMarked = entry.Kind == NamespaceKind.Text || marks.WasKilled;
        using WorkMarks.Mark mark = isMarked ? await marks.BeginAsync([.. jobs.Select(job => job.Work)], jobs[0].ProcessEnds).ConfigureAwait(false) : default;
        if (entry.Kind == NamespaceKind.Text)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(
                [cancellationToken, entry.Deleted.Token, .. runs.Select(run => run.Job.Cancellation.Token).Distinct()]);
            try
            {
                await _embedding.EmbedAsync(entry, runs, stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // Whoever cancelled it ends the upload; the others of this step go on without it.
                await Task.Yield();
                return true;
            }
        }

        return await log.RunAsync(
            entry,
            async () =>
            {
                List<UploadRun> wanted = runs.FindAll(run => !run.Job.IsFinished);
                if (entry.State == NamespaceState.Active && wanted.Count > 0)
                {
                    await _storing.StoreAsync(entry, wanted).ConfigureAwait(false);
                }

                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends an upload whose steps keep failing; what is left of it counts as failed.</summary>
    public Task GiveUpAsync(NamespaceEntry entry, UploadJobEntry job, Exception cause) =>
        EndAsync(entry, job, $"The upload cannot go on: {cause.Message}", cancelled: false);

    /// <summary>Ends an upload at the next safe point; what is stored stays, what is left counts as failed.</summary>
    /// <returns>False when it had ended before.</returns>
    public async Task<bool> CancelAsync(NamespaceEntry entry, UploadJobEntry job, ChangeTicket ticket)
    {
        ChangeLog.CheckNotStopped(entry);
        ticket.Begin(job.Status.Id, entry.Name); // From here on nothing more is stored of it, so it must be ended.
        await job.Cancellation.CancelAsync().ConfigureAwait(false);
        return await EndCancelledAsync(entry, job).ConfigureAwait(false) || job.Status.Cancelled;
    }

    /// <summary>The first upload, if it was cancelled. One behind it comes to be the first; to look at all of them would cost each step.</summary>
    private static UploadJobEntry? FindCancelled(NamespaceEntry entry)
    {
        lock (entry.Lock)
        {
            return entry.Uploads.First?.Value is { IsReady: true, IsFinished: false, Cancellation.IsCancellationRequested: true } first ? first : null;
        }
    }

    private Task<bool> EndCancelledAsync(NamespaceEntry entry, UploadJobEntry job) =>
        EndAsync(entry, job, $"Job '{job.Status.Id}' was cancelled.", cancelled: true);

    private Task<bool> EndAsync(NamespaceEntry entry, UploadJobEntry job, string lastError, bool cancelled) =>
        log.RunAsync(entry, async () =>
        {
            if (job.IsFinished)
            {
                return false;
            }

            await log.ChangeAsync(entry, new UploadEnded(job.Id, options.TimeProvider.GetUtcNow(), lastError, cancelled)).ConfigureAwait(false);
            return true;
        });
}
