namespace Moorcheh.Diagnostics;

/// <summary>Counts calls under way, so that closing can refuse new ones and wait for the others.</summary>
internal sealed class OperationGuard
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _closing = new();
    private int _running;
    private bool _closed;

    /// <summary>Ends calls that closing does not wait for.</summary>
    public CancellationToken Closing => _closing.Token;

    /// <summary>Enters a call; dispose the result at its end.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.ShuttingDown"/>.</exception>
    public Operation Enter()
    {
        lock (_lock)
        {
            if (_closed)
            {
                throw ShuttingDown();
            }

            _running++;
            return new Operation(this);
        }
    }

    /// <summary>Refuses new calls and waits for running ones.</summary>
    public Task CloseAsync()
    {
        lock (_lock)
        {
            _closed = true;
            if (_running == 0)
            {
                _idle.TrySetResult();
            }

        }

        _closing.Cancel();
        return _idle.Task;
    }

    /// <summary>What a call is told that comes too late, or that closing ended.</summary>
    public static MoorchehException ShuttingDown() => new(ErrorCodes.ShuttingDown, "Server is shutting down.");

    private void Leave()
    {
        lock (_lock)
        {
            if (--_running == 0 && _closed)
            {
                _idle.TrySetResult();
            }
        }
    }

    /// <summary>A call under way.</summary>
    public readonly struct Operation(OperationGuard guard) : IDisposable
    {
        public void Dispose() => guard.Leave();
    }
}
