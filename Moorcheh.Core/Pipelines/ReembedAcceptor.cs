using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>Accepts re-embeddings, one a namespace.</summary>
internal sealed class ReembedAcceptor(
    StoreState state, ChangeLog log, DiskState disk, JobScheduler scheduler, Embedder? embedder, MoorchehOptions options)
{
    /// <summary>Journals a job that embeds the texts of a namespace again, and gives it to the workers.</summary>
    public async Task<ReembedJobEntry> AcceptAsync(string name, ChangeTicket ticket, CancellationToken cancellationToken)
    {
        NamespaceEntry entry = state.Namespaces.GetOrHidden(name);
        if (entry.Kind != NamespaceKind.Text)
        {
            throw new MoorchehException(
                ErrorCodes.WrongNamespaceType, $"Namespace '{name}' is a vector namespace; only texts can be embedded again.");
        }

        if (embedder is null)
        {
            throw new MoorchehException(ErrorCodes.EmbedderMissing, "No embedding provider is configured; embedding texts again needs one.");
        }

        CheckNotRunning(entry);
        ChangeLog.CheckNotStopped(entry);

        // The new records beside those there are, and their vectors in the journal.
        long vectors = entry.Index.Count * sizeof(float) * (embedder.Dimension > 0 ? embedder.Dimension : entry.BoundEmbedder?.Dimension ?? 0);
        disk.RequireRoom(entry.LogBytes + (2 * vectors) + state.Records.UnflushedBytes);
        try
        {
            return await log.RunAsync(entry, () => StartAsync(entry, ticket), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            scheduler.Wake(entry); // After a failed commit too: the job may be on disk.
        }
    }

    private async Task<ReembedJobEntry> StartAsync(NamespaceEntry entry, ChangeTicket ticket)
    {
        ReembedAccepted accepted;
        ReembedJobEntry job;
        lock (entry.Lock)
        {
            if (state.Find(entry.Incarnation) != entry)
            {
                throw NamespaceTable.NotFound(entry.Name);
            }

            NamespaceTable.CheckActive(entry);
            CheckNotRunning(entry);
            int total = (int)Math.Min(entry.Index.Count, int.MaxValue);
            accepted = new ReembedAccepted(Guid.NewGuid(), entry.Incarnation, options.TimeProvider.GetUtcNow(), total);
            job = accepted.ToJob(entry.Name);
            ticket.Begin(job.Status.Id, entry.Name);
            state.Jobs.AddUnaccepted(job);
            log.Append(accepted);
        }

        await log.CarryOutAsync(entry, [accepted], CrashPoints.ReembedAccepted).ConfigureAwait(false);
        return job;
    }

    private static void CheckNotRunning(NamespaceEntry entry)
    {
        if (entry.Reembedding is { } running)
        {
            string jobId = running.Status.Id;
            throw new MoorchehException(
                ErrorCodes.NamespaceReembedding, $"Namespace '{entry.Name}' is already being embedded again by job '{jobId}'.")
            {
                Facts = new Dictionary<string, object> { ["JobId"] = jobId, ["NamespaceName"] = entry.Name },
            };
        }
    }
}
