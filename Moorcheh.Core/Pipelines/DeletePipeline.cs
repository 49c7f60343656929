using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>
/// Deletes namespaces: mark it (durable; from here on it is invisible), end its uploads, remove its records in steps that
/// move the counter, free the name.
/// </summary>
internal sealed class DeletePipeline(StoreState state, ChangeLog log, ArtifactEnding artifacts, WorkMarks marks, MoorchehOptions options)
{
    private const int StepItems = 1000;

    /// <summary>Marks a namespace as being deleted; the caller wakes the scheduler for it.</summary>
    public async Task<DeleteJobEntry> StartAsync(string name, ChangeTicket ticket, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        NamespaceEntry entry = state.Find(name) is { IsHidden: false } found ? found : throw NamespaceTable.NotFound(name);

        // Only under the lock is it certain which job deletes the namespace: whoever marked it holds the lock until the job is known. It
        // is taken before the lock is released: from then on a worker may carry the delete out.
        return await log.RunAsync(entry, () => StartAsync(entry, ticket), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Does the next part of a running delete.</summary>
    /// <returns>True when there may be more to do.</returns>
    public async Task<bool> StepAsync(NamespaceEntry entry, CancellationToken cancellationToken)
    {
        if (entry.DeleteJob is not { IsFinished: false } job)
        {
            // Whoever starts the delete holds the lock until the job is known; it is worked on in the next step, under its mark.
            return entry.Failure is null && await log.RunAsync(
                entry,
                () => Task.FromResult(entry.State == NamespaceState.Deleting && entry.DeleteJob is { IsFinished: false }),
                cancellationToken).ConfigureAwait(false);
        }

        if (job.TooManyEnds is { } cause)
        {
            await GiveUpAsync(entry, cause).ConfigureAwait(false);
            return false;
        }

        using (await marks.BeginAsync([job.Work], job.ProcessEnds).ConfigureAwait(false))
        {
            return await RunStepAsync(entry, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<bool> RunStepAsync(NamespaceEntry entry, CancellationToken cancellationToken) =>
        entry.Failure is null && await log.RunAsync(
            entry,
            async () =>
            {
                if (entry.State != NamespaceState.Deleting || entry.DeleteJob is not { IsFinished: false })
                {
                    return false; // It was over with what had been left.
                }

                await artifacts.EndIngestsAsync(entry.Name, cancellationToken).ConfigureAwait(false);

                await EndReembeddingAsync(entry).ConfigureAwait(false);

                // An upload that is just being accepted cannot be ended yet; its acceptor wakes the scheduler.
                return await EndUploadsAsync(entry).ConfigureAwait(false) && await RemoveStepAsync(entry).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);

    /// <summary>Ends a delete whose steps keep failing: the namespace stays partly deleted until it is deleted again.</summary>
    public Task GiveUpAsync(NamespaceEntry entry, Exception cause) =>
        log.RunAsync(entry, async () =>
        {
            if (entry.DeleteJob is { IsFinished: false } job)
            {
                var ended = new NamespaceDeleteEnded(
                    job.Id, options.TimeProvider.GetUtcNow(), $"Could not remove items of namespace '{entry.Name}': {cause.Message}");
                await log.ChangeAsync(entry, ended, CrashPoints.NamespaceDeleteEnding).ConfigureAwait(false);
            }

            return true;
        });

    private static void CheckNotDeleting(NamespaceEntry entry)
    {
        if (entry.State == NamespaceState.Deleting)
        {
            string jobId = entry.DeleteJob!.Status.Id;
            throw new MoorchehException(
                ErrorCodes.NamespaceDeleting, $"Namespace '{entry.Name}' is already being deleted by job '{jobId}'.")
            {
                Facts = new Dictionary<string, object> { ["JobId"] = jobId, ["NamespaceName"] = entry.Name },
            };
        }
    }

    private async Task<DeleteJobEntry> StartAsync(NamespaceEntry entry, ChangeTicket ticket)
    {
        NamespaceDeleteStarted started;
        lock (entry.Lock)
        {
            // Two deletes may have waited for the lock, and a delete may have ended meanwhile.
            if (state.Find(entry.Incarnation) != entry)
            {
                throw NamespaceTable.NotFound(entry.Name);
            }

            CheckNotDeleting(entry);

            long total = entry.Index.Count - entry.RemovedRecords;
            started = new NamespaceDeleteStarted(Guid.NewGuid(), entry.Incarnation, options.TimeProvider.GetUtcNow(), total)
            {
                AreCounted = entry.State == NamespaceState.Active,
            };
            ticket.Begin(JobId.Format(started.JobId), entry.Name);
            state.Jobs.AddUnaccepted(started.ToJob(entry.Name));
            log.Append(started);
            entry.State = NamespaceState.Deleting;
        }

        // When the commit fails the mark may still be on disk: it stays, and the scheduler goes on from it.
        await log.CarryOutAsync(entry, [started], CrashPoints.NamespaceDeleteMarked).ConfigureAwait(false);
        return entry.DeleteJob!;
    }

    private async Task<bool> RemoveStepAsync(NamespaceEntry entry)
    {
        bool done = ItemRemoval.Step(state.Records, entry, StepItems);
        CrashPoints.Pass(CrashPoints.NamespaceDeleteStep);
        DeleteJobEntry job = entry.DeleteJob!;
        DateTimeOffset now = options.TimeProvider.GetUtcNow();
        if (done)
        {
            await log.ChangeAsync(entry, new NamespaceDeleteEnded(job.Id, now, null), CrashPoints.NamespaceDeleteEnding).ConfigureAwait(false);
            return false;
        }

        long left = entry.Index.Count - entry.RemovedRecords;
        await log.ChangeAsync(
            entry, new NamespaceDeleteProgress(job.Id, now, Math.Max(job.Status.DeletedItems, job.Status.TotalItems - left))).ConfigureAwait(false);
        return true;
    }

    private async Task EndReembeddingAsync(NamespaceEntry entry)
    {
        if (entry.Reembedding is { } job)
        {
            var ended = new ReembedEnded(job.Id, options.TimeProvider.GetUtcNow(), $"Namespace '{entry.Name}' was deleted.", Cancelled: false);
            await log.ChangeAsync(entry, ended).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the namespace's uploads and deletes by a filter.</summary>
    /// <returns>False when one is not on disk yet and cannot be ended now.</returns>
    private async Task<bool> EndUploadsAsync(NamespaceEntry entry)
    {
        List<UploadJobEntry> ready;
        List<ItemDeleteJobEntry> deletes;
        lock (entry.Lock)
        {
            ready = [.. entry.Uploads.TakeWhile(upload => upload.IsReady)];
            deletes = [.. entry.ItemDeletes.TakeWhile(delete => delete.IsReady)];
        }

        if (ready.Count + deletes.Count > 0)
        {
            DateTimeOffset now = options.TimeProvider.GetUtcNow();
            string error = $"Namespace '{entry.Name}' was deleted.";
            List<IChange> ends =
            [
                .. ready.Select(upload => new UploadEnded(upload.Id, now, error, false)),
                .. deletes.Select(delete => new ItemDeleteProgress(delete.Id, now, true, error, [])),
            ];
            ends.ForEach(end => log.Append(end));
            await log.CarryOutAsync(entry, ends).ConfigureAwait(false);
        }

        lock (entry.Lock)
        {
            return entry.Uploads.Count + entry.ItemDeletes.Count == 0;
        }
    }
}
