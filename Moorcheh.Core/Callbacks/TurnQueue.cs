using Moorcheh.Callbacks.Messages;
using Moorcheh.Jobs;

namespace Moorcheh.Callbacks;

/// <summary>
/// Says when the turn of a line begins: behind those of its exchange, together with others of the same moment, and later while its message waits for a commit or
/// failed. Nothing begins any more once the store is closing.
/// </summary>
/// <param name="begin">Takes a turn whose time has come; it ends with <see cref="End"/>.</param>
/// <param name="clock">For pauses.</param>
/// <param name="stopping">The store is closing.</param>
internal sealed class TurnQueue(Action<OutboxTurn> begin, TimeProvider clock, CancellationToken stopping)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(60);

    // A message of progress waits this long for somebody else's commit, so that its own does not keep a task's commit waiting.
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(50);

    // Messages of as long a time go out together: a client and a broker take many at once for little more than one, which leaves more of the
    // machine to the tasks. `callbacks` measures what is left of it: docs/measurements.md.
    private static readonly TimeSpan GatherTime = TimeSpan.FromMilliseconds(20);

    private readonly List<OutboxTurn> _gathered = [];

    /// <summary>Adds a line with something new.</summary>
    public void Gather(OutboxTurn turn)
    {
        if (turn.Lingers)
        {
            Add(turn);
            return;
        }

        lock (_gathered)
        {
            _gathered.Add(turn);
            if (_gathered.Count > 1)
            {
                return;
            }
        }

        _ = AddGatheredAsync();
    }

    public void Add(OutboxTurn turn)
    {
        if (turn.Lingers)
        {
            _ = AfterAsync(Linger, () => Queue(turn));
        }
        else
        {
            Queue(turn);
        }
    }

    /// <summary>Adds a line after a pause that grows with its failures in a row, from 1.</summary>
    public void AddAfterFailures(OutboxTurn turn, int failures) => _ = AfterAsync(PauseAfter(failures), () => Queue(turn));

    /// <summary>A turn that began is over.</summary>
    public void End(OutboxTurn turn)
    {
        turn.Line.Exchange.End();
        BeginNext(turn.Line.Exchange);
    }

    /// <summary>Makes an exchange pause, unless it does already.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="failures">As <see cref="OutboxExchange.TryPause"/>.</param>
    /// <returns>True when a pause begins.</returns>
    public bool TryPause(OutboxExchange exchange, out int failures)
    {
        if (!exchange.TryPause(out failures, out int pause))
        {
            return false;
        }

        _ = AfterAsync(
            PauseAfter(failures),
            () =>
            {
                exchange.Resume(pause);
                BeginNext(exchange);
            });
        return true;
    }

    private static TimeSpan PauseAfter(int failures) => Backoff.Pause(FirstPause, MaxPause, failures);

    private async Task AddGatheredAsync()
    {
        // Not by the clock of the store: this is about what else the machine does meanwhile.
        await Task.Delay(GatherTime, TimeProvider.System).ConfigureAwait(false);
        OutboxTurn[] turns;
        lock (_gathered)
        {
            turns = [.. _gathered];
            _gathered.Clear();
        }

        foreach (OutboxTurn turn in turns)
        {
            Add(turn);
        }
    }

    private void Queue(OutboxTurn turn)
    {
        turn.Line.Exchange.Add(turn);
        BeginNext(turn.Line.Exchange);
    }

    /// <summary>Begins the turns of as many lines of an exchange as may send now.</summary>
    private void BeginNext(OutboxExchange exchange)
    {
        while (exchange.TryBegin(out OutboxTurn turn))
        {
            begin(turn);
        }
    }

    private async Task AfterAsync(TimeSpan pause, Action act)
    {
        await Task.Delay(pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!stopping.IsCancellationRequested)
        {
            act();
        }
    }
}
