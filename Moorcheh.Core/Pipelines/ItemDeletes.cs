using System.Text;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Filters;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>
/// Deletes the items that pass a filter. What may pass is found when the job begins, in this process; each item is looked at again in the step that
/// deletes it, which no upload can disturb.
/// </summary>
internal sealed class ItemDeletes(
    StoreState state, ChangeLog log, ItemSelection selection, WorkMarks marks, Func<JobScheduler> scheduler, MoorchehOptions options)
{
    private const int StepItems = 1000;

    /// <summary>Most UTF-8 bytes of a filter. It is a journal entry, and part of a page of the catalog until the job is over.</summary>
    private const int MaxFilterBytes = 256 << 10;

    public async Task<ItemDeleteJobEntry> AcceptAsync(string namespaceName, Filter filter, ChangeTicket ticket, CancellationToken cancellationToken)
    {
        NamespaceEntry entry = state.Namespaces.Get(namespaceName);
        if (filter.IsEmpty)
        {
            throw new MoorchehException(ErrorCodes.EmptyField, "Field 'filter' must not be empty: every item passes it. Delete the namespace instead.");
        }

        string json = filter.ToString();
        int bytes = Encoding.UTF8.GetByteCount(json);
        if (bytes > MaxFilterBytes)
        {
            throw new MoorchehException(ErrorCodes.InvalidFilter, $"The filter has {bytes} bytes; the limit for a delete is {MaxFilterBytes}.");
        }

        ChangeLog.CheckNotStopped(entry);
        long total = await selection.CountAsync(entry, filter.Node, cancellationToken).ConfigureAwait(false);
        var id = Guid.NewGuid();
        JobRoom room = new ItemDeleteJobEntry(id, entry.Incarnation, entry.Name, default, total) { Filter = json }.Room;
        state.Jobs.Reserve(room);
        try
        {
            using (await log.EnterAsync().ConfigureAwait(false))
            {
                ItemDeleteAccepted accepted = Enqueue(entry, id, total, json, ticket);

                // As for an upload: it is in the journal, so it will be carried out.
                await log.InsistAsync().ConfigureAwait(false);
                await log.ApplyAsync(accepted).ConfigureAwait(false);
                scheduler().Wake(entry);
                return accepted.Job!;
            }
        }
        catch when (!ticket.IsBegun)
        {
            state.Jobs.Release(room);
            throw;
        }
    }

    /// <summary>Does the next part of the delete that is due, if one is.</summary>
    /// <returns>Null when none is due; otherwise true.</returns>
    public async Task<bool?> TryStepAsync(NamespaceEntry entry, CancellationToken cancellationToken)
    {
        if (entry.Failure is not null || entry.DueItemDelete is not { } job)
        {
            return null;
        }

        if (job.TooManyEnds is { } cause)
        {
            await GiveUpAsync(entry, job, cause).ConfigureAwait(false);
            return true;
        }

        using (await marks.BeginAsync([job.Work], job.ProcessEnds).ConfigureAwait(false))
        {
            FilterNode filter = Filter.Parse(job.Filter).Node;
            job.Candidates ??= await selection.FindIdsAsync(entry, filter, cancellationToken).ConfigureAwait(false);
            return await log.RunAsync(entry, () => RemoveStepAsync(entry, job, filter), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Ends a delete whose steps keep failing; what it has deleted stays deleted.</summary>
    public Task GiveUpAsync(NamespaceEntry entry, ItemDeleteJobEntry job, Exception cause) =>
        log.RunAsync(entry, async () =>
        {
            if (!job.IsFinished)
            {
                var ended = new ItemDeleteProgress(
                    job.Id, options.TimeProvider.GetUtcNow(), true, $"Could not delete items of namespace '{entry.Name}': {cause.Message}", []);
                await log.ChangeAsync(entry, ended).ConfigureAwait(false);
            }

            return true;
        });

    private async Task<bool> RemoveStepAsync(NamespaceEntry entry, ItemDeleteJobEntry job, FilterNode filter)
    {
        if (entry.State != NamespaceState.Active || job.IsFinished || job.Candidates is not { } candidates)
        {
            return true; // It was over with what had been left.
        }

        // They are let go once the step is done: one that fails looks at them again.
        List<byte[]> step = [.. candidates.Take(StepItems)];
        List<byte[]> ids = [];
        foreach (byte[] id in step)
        {
            // Chunks of artifacts stay: only the artifact as a whole may go.
            if (entry.FindOwner(id) is null && await selection.PassesAsync(entry, id, filter).ConfigureAwait(false))
            {
                ids.Add(id);
            }
        }

        bool isEnd = step.Count == candidates.Count;
        if (isEnd || ids.Count > 0)
        {
            var progress = new ItemDeleteProgress(job.Id, options.TimeProvider.GetUtcNow(), isEnd, null, ids);
            await log.ChangeAsync(entry, progress, CrashPoints.ItemDeleteStep).ConfigureAwait(false);
        }

        for (int i = 0; i < step.Count; i++)
        {
            candidates.Dequeue();
        }

        return true;
    }

    /// <summary>Journals and queues in one step, so that jobs are carried out in the order in which the journal has them.</summary>
    private ItemDeleteAccepted Enqueue(NamespaceEntry entry, Guid id, long total, string filter, ChangeTicket ticket)
    {
        lock (entry.Lock)
        {
            NamespaceTable.CheckActive(entry);
            ChangeLog.CheckNotStopped(entry);
            HashSet<Guid> ahead = [.. entry.Uploads.Select(upload => upload.Id)];
            var accepted = new ItemDeleteAccepted(id, entry.Incarnation, options.TimeProvider.GetUtcNow(), total, filter, ahead);
            ItemDeleteJobEntry job = accepted.Job = accepted.ToJob(entry.Name);
            ticket.Begin(job.Status.Id, entry.Name);
            state.Jobs.AddUnaccepted(job);
            log.Append(accepted);
            entry.ItemDeletes.AddLast(job);
            return accepted;
        }
    }
}
