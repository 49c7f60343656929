namespace Moorcheh.Storage;

/// <summary>
/// Lets changes go on side by side, and a checkpoint only when none is under way. A change is everything from appending its
/// journal entry to the end of its effects. Waiting checkpoints go before new changes.
/// </summary>
internal sealed class CheckpointGate
{
    private readonly SemaphoreSlim _entrance = new(1, 1);
    private readonly Lock _lock = new();
    private int _changes;
    private TaskCompletionSource? _idle;

    /// <summary>Enters for a change; dispose the result to leave.</summary>
    public async ValueTask<Change> EnterChangeAsync(CancellationToken cancellationToken = default)
    {
        await _entrance.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (_lock)
        {
            _changes++;
        }

        _entrance.Release();
        return new Change(this);
    }

    /// <summary>Enters for a checkpoint, alone; dispose the result to leave.</summary>
    public async ValueTask<Checkpoint> EnterCheckpointAsync(CancellationToken cancellationToken = default)
    {
        await _entrance.WaitAsync(cancellationToken).ConfigureAwait(false);
        Task idle = Task.CompletedTask;
        lock (_lock)
        {
            if (_changes > 0)
            {
                _idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                idle = _idle.Task;
            }
        }

        try
        {
            await idle.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            lock (_lock)
            {
                _idle = null;
            }

            _entrance.Release();
            throw;
        }

        return new Checkpoint(this);
    }

    private void LeaveChange()
    {
        lock (_lock)
        {
            if (--_changes == 0)
            {
                _idle?.TrySetResult();
                _idle = null;
            }
        }
    }

    /// <summary>Leaves the gate when disposed.</summary>
    public readonly struct Change(CheckpointGate gate) : IDisposable
    {
        public void Dispose() => gate.LeaveChange();
    }

    /// <summary>Leaves the gate when disposed.</summary>
    public readonly struct Checkpoint(CheckpointGate gate) : IDisposable
    {
        public void Dispose() => gate._entrance.Release();
    }
}
