using System.Diagnostics.CodeAnalysis;

namespace Moorcheh.Callbacks.Messages;

/// <summary>
/// An exchange that messages wait for, and the lines whose turn it is. Some send at once. When one fails, all pause; after a pause one tries, and when
/// that succeeds all go on. So an exchange that does not answer takes little from the others, however much waits for it. Safe for use from several threads.
/// </summary>
internal sealed class OutboxExchange(string name)
{
    /// <summary>Most messages of one exchange that are being sent at once.</summary>
    public const int SendsAtOnce = 8;

    private readonly Lock _lock = new();
    private readonly Queue<OutboxTurn> _waiting = new();
    private int _sending;
    private int _failures;
    private int _pause;
    private bool _isPaused;

    public string Name => name;

    /// <summary>Lines that have messages for it; it is forgotten with the last one. Guarded by the outbox.</summary>
    public int Lines { get; set; }

    /// <summary>True from a failure until a message is sent.</summary>
    public bool IsFailing => Volatile.Read(ref _failures) > 0;

    /// <summary>Queues a line behind the others.</summary>
    public void Add(OutboxTurn turn)
    {
        lock (_lock)
        {
            _waiting.Enqueue(turn);
        }
    }

    /// <summary>Gives the next line a place, which <see cref="End"/> takes back.</summary>
    /// <returns>False when none waits or no place is free.</returns>
    public bool TryBegin([MaybeNullWhen(false)] out OutboxTurn turn)
    {
        lock (_lock)
        {
            int places = _isPaused ? 0 : _failures > 0 ? 1 : SendsAtOnce;
            if (_sending >= places || !_waiting.TryDequeue(out turn))
            {
                turn = default;
                return false;
            }

            _sending++;
            return true;
        }
    }

    public void End()
    {
        lock (_lock)
        {
            _sending--;
        }
    }

    /// <summary>A message was sent: all go on.</summary>
    public void Succeed()
    {
        lock (_lock)
        {
            _failures = 0;
            _isPaused = false;
            _pause++;
        }
    }

    /// <summary>A message could not be sent: all pause, unless they do already.</summary>
    /// <param name="failures">Failures in a row, of which those that began together count once.</param>
    /// <param name="pause">For <see cref="Resume"/>.</param>
    /// <returns>True when a pause begins.</returns>
    public bool TryPause(out int failures, out int pause)
    {
        lock (_lock)
        {
            bool begins = !_isPaused;
            if (begins)
            {
                _isPaused = true;
                _failures++;
                _pause++;
            }

            failures = _failures;
            pause = _pause;
            return begins;
        }
    }

    /// <summary>A pause is over, unless it was before.</summary>
    public void Resume(int pause)
    {
        lock (_lock)
        {
            _isPaused &= _pause != pause;
        }
    }
}
