using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Jobs;

namespace Moorcheh.Artifacts.Pipelines;

/// <summary>Gives the tasks of artifacts to the workers: those of one artifact one after the other, in the order accepted.</summary>
/// <param name="queue">The tasks.</param>
/// <param name="workers">Their number.</param>
/// <param name="step">Works on a task.</param>
/// <param name="clock">For pauses and patience.</param>
/// <param name="logger">Told of failures.</param>
internal sealed class ArtifactWorkers(ArtifactQueue queue, int workers, ArtifactStep step, TimeProvider clock, ILogger logger)
    : RetryingPool<ArtifactLine>("tasks", workers, clock, logger)
{
    public override void Start()
    {
        foreach (ArtifactKey key in Keys())
        {
            Wake(key);
        }

        base.Start();
    }

    /// <summary>Tells that there may be work for an artifact.</summary>
    public void Wake(ArtifactKey key)
    {
        if (queue.TryTake(key) is { } line)
        {
            Add(line);
        }
    }

    protected override async Task<StepEnd> StepAsync(ArtifactLine line, CancellationToken stopping)
    {
        line.Current = queue.Next(line);
        return line.Current is not { } task ? StepEnd.Done
            : await step(task, stopping).ConfigureAwait(false) ? StepEnd.More
            : StepEnd.Stuck;
    }

    protected override bool TryGiveBack(ArtifactLine line, StepEnd end) => queue.TryGiveBack(line, isStuck: end == StepEnd.Stuck);

    protected override JobEntry? FailedJob(ArtifactLine line) => line.Current;

    protected override string NamespaceOf(ArtifactLine line) => line.Current?.Status.Namespace ?? string.Empty;

    private List<ArtifactKey> Keys()
    {
        lock (queue.Lock)
        {
            return [.. queue.All.Select(task => task.Key).Distinct()];
        }
    }
}

/// <summary>Works on a task until it has ended or is to stop.</summary>
/// <returns>False when it cannot go on until the store is opened again.</returns>
internal delegate Task<bool> ArtifactStep(ArtifactTaskEntry task, CancellationToken stopping);
