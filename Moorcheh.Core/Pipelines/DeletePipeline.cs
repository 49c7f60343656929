using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Index;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>
/// Deletes namespaces: mark it (durable; from here on it is invisible), end its uploads, remove its records in steps that
/// move the counter, free the name.
/// </summary>
internal sealed class DeletePipeline(
    StoreState state, IJournal journal, CheckpointGate gate, ArtifactEnding artifacts, WorkMarks marks, MoorchehOptions options)
{
    private const int StepItems = 1000;

    /// <summary>Marks a namespace as being deleted; the caller wakes the scheduler for it.</summary>
    public async Task<DeleteJobEntry> StartAsync(string name, ChangeTicket ticket, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        NamespaceEntry entry = state.Find(name) is { IsHidden: false } found ? found : throw NamespaceTable.NotFound(name);

        // Only under the lock is it certain which job deletes the namespace: whoever marked it holds the lock until the job is known. It
        // is taken before the lock is released: from then on a worker may carry the delete out.
        return await NamespaceChanges.RunAsync(
            entry, gate, journal, () => StartAsync(entry, ticket), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Does the next part of a running delete.</summary>
    /// <returns>True when there may be more to do.</returns>
    public async Task<bool> StepAsync(NamespaceEntry entry, CancellationToken cancellationToken)
    {
        if (entry.DeleteJob is not { IsFinished: false } job)
        {
            return await RunStepAsync(entry, cancellationToken).ConfigureAwait(false);
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
        entry.Failure is null && await NamespaceChanges.RunAsync(
            entry,
            gate,
            journal,
            async () =>
            {
                if (entry.State != NamespaceState.Deleting || entry.DeleteJob is not { IsFinished: false })
                {
                    return false; // It was over with what had been left.
                }

                await artifacts.EndIngestsAsync(entry.Name, cancellationToken).ConfigureAwait(false);

                // An upload that is just being accepted cannot be ended yet; its acceptor wakes the scheduler.
                return await EndUploadsAsync(entry).ConfigureAwait(false) && await RemoveStepAsync(entry).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);

    /// <summary>Ends a delete whose steps keep failing: the namespace stays partly deleted until it is deleted again.</summary>
    public Task GiveUpAsync(NamespaceEntry entry, Exception cause) =>
        NamespaceChanges.RunAsync(
            entry,
            gate,
            journal,
            async () =>
            {
                if (entry.DeleteJob is { IsFinished: false } job)
                {
                    var ended = new NamespaceDeleteEnded(
                        job.Id, options.TimeProvider.GetUtcNow(), $"Could not remove items of namespace '{entry.Name}': {cause.Message}");
                    var writer = new ByteWriter();
                    ended.Write(writer);
                    journal.Append(JournalEntryType.NamespaceDeleteEnded, writer.Written);
                    await NamespaceChanges.CarryOutAsync(entry, journal, () => Apply(entry, ended)).ConfigureAwait(false);
                }

                return true;
            },
            CancellationToken.None);

    /// <summary>Removes up to a number of a namespace's item records.</summary>
    /// <returns>True when none is left.</returns>
    public static bool RemoveRecords(StoreState state, NamespaceEntry entry, int most)
    {
        IEnumerator<long> records = entry.RecordsToRemove ??= LiveRecords(entry.Index.Snapshot).GetEnumerator();
        for (int i = 0; i < most; i++)
        {
            if (!records.MoveNext())
            {
                return true;
            }

            try
            {
                state.Records.Delete(entry.ItemKey(records.Current));
            }
            catch
            {
                // Starts over: removing what is gone is fine, skipping what is not is not.
                entry.RecordsToRemove = null;
                entry.RemovedRecords = 0;
                throw;
            }

            entry.RemovedRecords++;
        }

        return false;
    }

    private static IEnumerable<long> LiveRecords(IndexSnapshot snapshot)
    {
        foreach (SegmentView segment in snapshot.Segments)
        {
            for (int slot = 0; slot < segment.Count; slot++)
            {
                if (segment.IsLive(slot))
                {
                    yield return segment.RecordNumber(slot);
                }
            }
        }
    }

    private static void CheckNotDeleting(NamespaceEntry entry)
    {
        if (entry.State == NamespaceState.Deleting)
        {
            string jobId = entry.DeleteJob!.Status.JobId;
            throw new MoorchehException(
                ErrorCodes.NamespaceDeleting, $"Namespace '{entry.Name}' is already being deleted by job '{jobId}'.")
            {
                Facts = new Dictionary<string, object> { ["JobId"] = jobId, ["NamespaceName"] = entry.Name },
            };
        }
    }

    private ValueTask Apply(NamespaceEntry entry, NamespaceDeleteEnded ended)
    {
        CrashPoints.Pass(CrashPoints.NamespaceDeleteEnding);
        state.Apply(entry, ended);
        return ValueTask.CompletedTask;
    }

    private async Task<DeleteJobEntry> StartAsync(NamespaceEntry entry, ChangeTicket ticket)
    {
        NamespaceDeleteStarted started;
        NamespaceState before;
        lock (entry.Lock)
        {
            // Two deletes may have waited for the lock, and a delete may have ended meanwhile.
            if (state.Find(entry.Incarnation) != entry)
            {
                throw NamespaceTable.NotFound(entry.Name);
            }

            CheckNotDeleting(entry);

            before = entry.State;
            long total = entry.Index.Count - entry.RemovedRecords;
            started = new NamespaceDeleteStarted(Guid.NewGuid(), entry.Incarnation, options.TimeProvider.GetUtcNow(), total);
            var writer = new ByteWriter();
            started.Write(writer);
            ticket.Begin(JobId.Format(started.JobId), entry.Name);
            state.Jobs.AddUnaccepted(new DeleteJobEntry(started, entry.Name));
            journal.Append(JournalEntryType.NamespaceDeleteStarted, writer.Written);
            entry.State = NamespaceState.Deleting;
        }

        // When the commit fails the mark may still be on disk: it stays, and the scheduler goes on from it.
        await NamespaceChanges.CarryOutAsync(entry, journal, async () =>
        {
            CrashPoints.Pass(CrashPoints.NamespaceDeleteMarked);
            if (before == NamespaceState.Active)
            {
                state.Quota.Remove(started.TotalItems);
            }

            state.Apply(entry, started);
            await entry.Deleted.CancelAsync().ConfigureAwait(false);
        }).ConfigureAwait(false);
        return entry.DeleteJob!;
    }

    private async Task<bool> RemoveStepAsync(NamespaceEntry entry)
    {
        bool done = RemoveRecords(state, entry, StepItems);
        CrashPoints.Pass(CrashPoints.NamespaceDeleteStep);
        var writer = new ByteWriter();
        DeleteJobEntry job = entry.DeleteJob!;
        DateTimeOffset now = options.TimeProvider.GetUtcNow();
        if (done)
        {
            var ended = new NamespaceDeleteEnded(job.Id, now, null);
            ended.Write(writer);
            journal.Append(JournalEntryType.NamespaceDeleteEnded, writer.Written);
            await NamespaceChanges.CarryOutAsync(entry, journal, () => Apply(entry, ended)).ConfigureAwait(false);
            return false;
        }

        long left = entry.Index.Count - entry.RemovedRecords;
        var progress = new NamespaceDeleteProgress(job.Id, now, Math.Max(job.Status.DeletedItems, job.Status.TotalItems - left));
        progress.Write(writer);
        journal.Append(JournalEntryType.NamespaceDeleteProgress, writer.Written);
        await NamespaceChanges.CarryOutAsync(entry, journal, () =>
        {
            state.Jobs.Progress(job, progress.DeletedItems, progress.At);
            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
        return true;
    }

    /// <summary>Ends the namespace's uploads.</summary>
    /// <returns>False when one is not on disk yet and cannot be ended now.</returns>
    private async Task<bool> EndUploadsAsync(NamespaceEntry entry)
    {
        List<UploadJobEntry> ready;
        lock (entry.Lock)
        {
            ready = [.. entry.Uploads.TakeWhile(upload => upload.IsReady)];
        }

        if (ready.Count > 0)
        {
            DateTimeOffset now = options.TimeProvider.GetUtcNow();
            var writer = new ByteWriter();
            List<UploadEnded> ends = [.. ready.Select(upload => new UploadEnded(upload.Id, now, $"Namespace '{entry.Name}' was deleted.", false))];
            foreach (UploadEnded end in ends)
            {
                writer.Clear();
                end.Write(writer);
                journal.Append(JournalEntryType.UploadEnded, writer.Written);
            }

            await NamespaceChanges.CarryOutAsync(entry, journal, () =>
            {
                for (int i = 0; i < ready.Count; i++)
                {
                    state.Quota.Release(ready[i].CountReserved());
                    state.Apply(ready[i], ends[i]);
                }

                return ValueTask.CompletedTask;
            }).ConfigureAwait(false);
        }

        lock (entry.Lock)
        {
            return entry.Uploads.Count == 0;
        }
    }
}
