using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>Ends tasks without a change of an artifact.</summary>
internal sealed class ArtifactEnding(StoreState state, IJournal journal, CheckpointGate gate, MoorchehOptions options, ILogger logger)
{
    private const int RetryPauseMs = 250;

    /// <summary>Ends a task unless something else does.</summary>
    public async Task EndAsync(ArtifactTaskEntry task, string? errorCode, string? error, CancellationToken stopping)
    {
        using (await gate.EnterChangeAsync().ConfigureAwait(false))
        {
            await EndInsideAsync(task, errorCode, error, stopping).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the unfinished ingests of a collection that is being deleted. Call inside the gate.</summary>
    public async Task EndIngestsAsync(string collection, CancellationToken stopping)
    {
        List<ArtifactTaskEntry> tasks;
        lock (state.Artifacts.Lock)
        {
            tasks = [.. state.Artifacts.All.Where(task => task.Status.IsIngest && task.IsReady && task.Status.NamespaceName == collection)];
        }

        foreach (ArtifactTaskEntry task in tasks)
        {
            await EndInsideAsync(task, ErrorCodes.NamespaceDeleting, $"Namespace '{collection}' was deleted.", stopping).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Commits what was appended, again and again until that succeeds: after a commit that failed the entries may be on disk all the same, so they
    /// must take effect before anything else is appended that depends on them.
    /// </summary>
    public async Task InsistAsync(CancellationToken stopping)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await journal.CommitAsync().ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                if (attempt == 1)
                {
                    logger.CommitFailed(attempt, e);
                }

                await Task.Delay(TimeSpan.FromMilliseconds(RetryPauseMs), options.TimeProvider, stopping).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Carries out what is in the journal already for a namespace.</summary>
    public Task FinishAsync(NamespaceEntry entry) => NamespaceChanges.FinishAsync(entry, gate, journal, CancellationToken.None);

    private async Task EndInsideAsync(ArtifactTaskEntry task, string? errorCode, string? error, CancellationToken stopping)
    {
        var ended = new ArtifactTaskEnded(task.Id, options.TimeProvider.GetUtcNow(), errorCode, error);
        var writer = new ByteWriter();
        ended.Write(writer);
        lock (state.Artifacts.Lock)
        {
            if (!task.MayEnd)
            {
                return;
            }

            journal.Append(JournalEntryType.ArtifactTaskEnded, writer.Written);
            task.IsEnding = true;
        }

        await InsistAsync(stopping).ConfigureAwait(false);
        CrashPoints.Pass(CrashPoints.ArtifactTaskEnding);
        state.Apply(task, ended);
        await task.Cancellation.CancelAsync().ConfigureAwait(false);
    }
}
