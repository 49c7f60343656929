using Moorcheh.Artifacts.Tasks;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;

namespace Moorcheh.Pipelines;

/// <summary>Ends tasks without a change of an artifact.</summary>
internal sealed class ArtifactEnding(StoreState state, ChangeLog log, MoorchehOptions options)
{
    /// <summary>Ends a task unless something else does.</summary>
    public async Task EndAsync(ArtifactTaskEntry task, string? errorCode, string? error, CancellationToken stopping)
    {
        using (await log.EnterAsync().ConfigureAwait(false))
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
            tasks = [.. state.Artifacts.All.Where(task => task.Status.IsIngest && task.IsReady && task.Status.Namespace == collection)];
        }

        foreach (ArtifactTaskEntry task in tasks)
        {
            await EndInsideAsync(task, ErrorCodes.NamespaceDeleting, $"Namespace '{collection}' was deleted.", stopping).ConfigureAwait(false);
        }
    }

    private async Task EndInsideAsync(ArtifactTaskEntry task, string? errorCode, string? error, CancellationToken stopping)
    {
        var ended = new ArtifactTaskEnded(task.Id, options.TimeProvider.GetUtcNow(), errorCode, error);
        lock (state.Artifacts.Lock)
        {
            if (!task.MayEnd)
            {
                return;
            }

            log.Append(ended);
            task.IsEnding = true;
        }

        await log.InsistAsync(stopping).ConfigureAwait(false);
        CrashPoints.Pass(CrashPoints.ArtifactTaskEnding);
        await log.ApplyAsync(ended).ConfigureAwait(false);
        await task.Cancellation.CancelAsync().ConfigureAwait(false);
    }
}
