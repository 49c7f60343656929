namespace Moorcheh.Tests.Faults;

/// <summary>Carries a workload out, one step after the other, and notes what it knows when it knows it.</summary>
/// <param name="host">The store.</param>
/// <param name="workload">What to do.</param>
/// <param name="note">Receives the notes; the position is the receiver's to fill in.</param>
internal sealed class FaultRunner(IFaultHost host, FaultWorkload workload, Action<FaultNote> note)
{
    private readonly List<(int Step, int Operation, string JobId, bool IsDrop)> _waiting = [];

    /// <summary>Ends after a number of steps, or between two of them when told to stop.</summary>
    public async Task RunAsync(int steps, CancellationToken stop)
    {
        for (int index = 0; index < steps && !stop.IsCancellationRequested; index++)
        {
            FaultStep step = workload.Step(index);
            if (step.WaitsForJobs)
            {
                await WaitAsync();
            }

            if (step.IsTogether)
            {
                int number = index;
                await Task.WhenAll(step.Operations.Select((operation, i) => CarryOutAsync(number, i, operation)));
            }
            else
            {
                for (int i = 0; i < step.Operations.Count; i++)
                {
                    await CarryOutAsync(index, i, step.Operations[i]);
                }
            }
        }

        await WaitAsync();
    }

    private async Task CarryOutAsync(int step, int number, FaultOperation operation)
    {
        note(new FaultNote(0, step, number, FaultMoment.Begun, null));
        string? job = null;
        switch (operation.Kind)
        {
            case FaultOperationKind.Create:
                await WaitAsync();
                await host.CreateAsync(workload);
                break;
            case FaultOperationKind.Upload:
                job = await host.UploadAsync(workload, operation.Items);
                break;
            case FaultOperationKind.DeleteItems:
                await host.DeleteItemsAsync(workload, [.. operation.Items.Select(item => item.Id)]);
                break;
            case FaultOperationKind.DeleteBelow:
                job = await host.DeleteBelowAsync(workload, operation.Items[0].Version);
                break;
            case FaultOperationKind.Patch:
                await host.PatchAsync(workload, operation.Items[0].Id);
                break;
            case FaultOperationKind.Drop:
                job = await host.DropAsync(workload);
                break;
            case FaultOperationKind.Reembed:
                await host.ReembedAsync(workload);
                break;
            case FaultOperationKind.Checkpoint:
                await host.CheckpointAsync();
                break;
        }

        note(new FaultNote(0, step, number, FaultMoment.Acknowledged, job));
        if (job is not null)
        {
            lock (_waiting)
            {
                _waiting.Add((step, number, job, operation.Kind == FaultOperationKind.Drop));
            }
        }
    }

    private async Task WaitAsync()
    {
        foreach ((int step, int number, string job, bool isDrop) in _waiting)
        {
            await host.WaitAsync(workload, job, isDrop);
            note(new FaultNote(0, step, number, FaultMoment.Finished, job));
        }

        _waiting.Clear();
    }
}
