using Microsoft.Extensions.Logging;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;

namespace Moorcheh.Pipelines;

/// <summary>Gives namespaces with uploads, or that are being embedded again or deleted, to the workers.</summary>
/// <param name="workers">Their number for namespaces of texts, and again for those of vectors.</param>
/// <param name="step">Does work of a namespace.</param>
/// <param name="giveUp">Ends a job that failed too often.</param>
/// <param name="clock">For pauses and patience.</param>
/// <param name="logger">Told of failures.</param>
internal sealed class JobScheduler(int workers, NamespaceStep step, JobGiveUp giveUp, TimeProvider clock, ILogger logger)
    : RetryingPool<NamespaceEntry>("jobs", workers, clock, logger, LaneCount)
{
    private const int LaneCount = 2;

    /// <summary>Tells that a namespace has work.</summary>
    public void Wake(NamespaceEntry entry)
    {
        lock (entry.Lock)
        {
            if (entry.IsScheduled)
            {
                return;
            }

            entry.IsScheduled = true;
        }

        Add(entry);
    }

    /// <summary>Texts wait for the embedder, which may be another machine that does not answer. Vectors shall not wait with them.</summary>
    protected override int LaneOf(NamespaceEntry line) => line.Kind == NamespaceKind.Text ? 0 : 1;

    protected override async Task<StepEnd> StepAsync(NamespaceEntry line, CancellationToken stopping) =>
        await step(line, stopping).ConfigureAwait(false) ? StepEnd.More : StepEnd.Done;

    /// <summary>An upload that is not on disk yet, even in a namespace that is being deleted, is its acceptor's: that one wakes us.</summary>
    protected override bool TryGiveBack(NamespaceEntry line, StepEnd end)
    {
        lock (line.Lock)
        {
            line.IsScheduled = line.Failure is null
                && (line.DueItemDelete is not null
                    || line.Reembedding is { IsWorkable: true }
                    || (line.Uploads.First is null ? line.DeleteJob is { IsFinished: false } : line.Uploads.Any(upload => upload.IsWorkable)));
            return !line.IsScheduled;
        }
    }

    protected override JobEntry? FailedJob(NamespaceEntry line)
    {
        lock (line.Lock)
        {
            return line.DeleteJob is { IsFinished: false } delete ? delete : (JobEntry?)line.DueItemDelete ?? (JobEntry?)line.Reembedding ?? line.Uploads.First?.Value;
        }
    }

    protected override string NamespaceOf(NamespaceEntry line) => line.Name;

    protected override Task<bool> GiveUpAsync(NamespaceEntry line, JobEntry job, int attempts, Exception cause) => giveUp(line, job, attempts, cause);
}

/// <summary>Does a bounded amount of a namespace's work.</summary>
/// <returns>True when there may be more to do right away.</returns>
internal delegate Task<bool> NamespaceStep(NamespaceEntry entry, CancellationToken cancellationToken);

/// <summary>Ends a job whose steps failed several times in a row.</summary>
/// <returns>False when it may still be tried.</returns>
internal delegate Task<bool> JobGiveUp(NamespaceEntry entry, JobEntry job, int attempts, Exception cause);
