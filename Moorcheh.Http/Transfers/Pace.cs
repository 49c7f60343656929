namespace Moorcheh.Http.Transfers;

/// <summary>
/// The time that one direction of a request may take. The client begins with the time of grace and gets more for what it sends or takes, but never
/// has more than that ahead: who sends most of a body at once and then drops by drop does not live on it for days. A stop of the server leaves a
/// few seconds.
/// </summary>
internal sealed class Pace : IDisposable
{
    /// <summary>How long a stop of the server waits for bodies and answers under way.</summary>
    public const int StopSeconds = 3;

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _end;
    private readonly CancellationTokenRegistration _onStop;
    private readonly int _bytesPerSecond;
    private readonly TimeSpan _grace;
    private long _deadline;
    private bool _isStopping;

    /// <summary>Starts the time.</summary>
    /// <param name="bytesPerSecond">Least rate; 0 for none.</param>
    /// <param name="grace">Time ahead at the start, and at most.</param>
    /// <param name="aborted">Fires when the client has gone.</param>
    /// <param name="stopping">Fires when the server stops.</param>
    public Pace(int bytesPerSecond, TimeSpan grace, CancellationToken aborted, CancellationToken stopping)
    {
        _bytesPerSecond = bytesPerSecond;
        _grace = grace;
        _end = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        _deadline = Now + (long)grace.TotalMilliseconds;
        Limit(grace);
        _onStop = stopping.UnsafeRegister(static pace => ((Pace)pace!).Stop(), this);
    }

#pragma warning disable RS0030 // Bytes on a connection come by the real clock, and so does CancelAfter.
    private static long Now => Environment.TickCount64;
#pragma warning restore RS0030

    /// <summary>Fires when the time is over.</summary>
    public CancellationToken Token => _end.Token;

    /// <summary>Notes that bytes have arrived: they give time, up to the grace.</summary>
    public void Arrived(long bytes)
    {
        if (_bytesPerSecond > 0 && bytes > 0)
        {
            long now = Now;
            _deadline = (long)Math.Min(_deadline + (bytes * 1000.0 / _bytesPerSecond), now + _grace.TotalMilliseconds);
            Limit(TimeSpan.FromMilliseconds(Math.Max(0, _deadline - now)));
        }
    }

    /// <summary>Gives the time that bytes about to be sent may take, and the grace.</summary>
    public void Sending(long bytes)
    {
        if (_bytesPerSecond > 0)
        {
            Limit(_grace + TimeSpan.FromSeconds((double)bytes / _bytesPerSecond));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _onStop.Dispose();
        _end.Dispose();
    }

    private void Limit(TimeSpan time)
    {
        lock (_lock)
        {
            if (_bytesPerSecond > 0 && !_isStopping)
            {
                _end.CancelAfter(time);
            }
        }
    }

    private void Stop()
    {
        lock (_lock)
        {
            _isStopping = true;
            _end.CancelAfter(TimeSpan.FromSeconds(StopSeconds));
        }
    }
}
