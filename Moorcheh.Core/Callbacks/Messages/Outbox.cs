using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Moorcheh.Diagnostics;
using Moorcheh.Storage;

namespace Moorcheh.Callbacks.Messages;

/// <summary>
/// Messages about tasks that wait to be sent, of each task in order. Which there are follows from the journal; their bytes are in the record store.
/// When it is full, a new message of progress is dropped; for one that tells how a task ended, which is always kept, the oldest of progress goes. Safe
/// for use from several threads.
/// </summary>
internal sealed class Outbox(IRecordStore records, int maxMessages, ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, OutboxLine> _lines = [];
    private readonly Dictionary<string, OutboxExchange> _exchanges = new(StringComparer.Ordinal);
    private readonly LinkedList<OutboxMessage> _droppable = [];
    private int _count;
    private bool _isFullNoted;

    /// <summary>Told of a line that has something to send and that nobody looks after. Null until the store is open.</summary>
    public Action<OutboxTurn>? Waiting { get; set; }

    /// <summary>Messages that wait.</summary>
    public int Count => Volatile.Read(ref _count);

    public bool IsFull => Count >= maxMessages;

    /// <summary>
    /// Throws when so many messages wait that cannot be dropped that a task which will make more of them is not accepted: twice as many as may wait.
    /// </summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.QueueFull"/>.</exception>
    public void RequireRoom()
    {
        int kept;
        lock (_lock)
        {
            kept = _count - _droppable.Count;
        }

        long most = 2L * maxMessages;
        if (kept >= most)
        {
            throw new MoorchehException(ErrorCodes.QueueFull, $"Callback queue is full ({kept} messages waiting of {most}).");
        }
    }

    /// <summary>Puts a message behind the others of its task. One of progress is dropped when there is no room.</summary>
    public void Add(OutboxMessage message, string exchange, string routingKey, ReadOnlySpan<byte> body)
    {
        if (!message.IsFinal && IsFull)
        {
            Drop(message);
            return;
        }

        CallbackRecords.Save(records, message.JobId, message.Number, exchange, routingKey, body);
        OutboxMessage? dropped;
        OutboxTurn? turn;
        lock (_lock)
        {
            dropped = _count >= maxMessages ? _droppable.First?.Value : null;
            if (dropped is not null)
            {
                Take(dropped);
            }

            OutboxLine line = Put(message, exchange);
            if (message.IsDurable)
            {
                foreach (OutboxMessage earlier in line.Messages)
                {
                    earlier.IsDurable = true; // Its entry is before this one's.
                }
            }

            turn = WakeLine(line);
        }

        if (dropped is not null)
        {
            Drop(dropped);
        }

        Wake(turn);
    }

    /// <summary>From here on everybody can read what the messages of a task tell.</summary>
    public void Release(Guid jobId)
    {
        OutboxTurn? turn;
        lock (_lock)
        {
            if (!_lines.TryGetValue(jobId, out OutboxLine? line))
            {
                return;
            }

            foreach (OutboxMessage message in line.Messages)
            {
                message.IsHeld = false;
            }

            turn = WakeLine(line);
        }

        Wake(turn);
    }

    /// <summary>Adds a message read from a checkpoint.</summary>
    public void Restore(OutboxMessage message, string exchange)
    {
        lock (_lock)
        {
            message.IsDurable = true;
            Put(message, exchange);
        }
    }

    /// <summary>All messages with their exchanges, those of a task in order.</summary>
    public IReadOnlyList<(OutboxMessage Message, string Exchange)> List()
    {
        lock (_lock)
        {
            return [.. _lines.Values.SelectMany(line => line.Messages, (line, message) => (message, line.Exchange.Name))];
        }
    }

    /// <summary>A message; null when it does not wait any more.</summary>
    public OutboxMessage? Find(Guid jobId, int number)
    {
        lock (_lock)
        {
            return _lines.TryGetValue(jobId, out OutboxLine? line) ? line.Messages.FirstOrDefault(message => message.Number == number) : null;
        }
    }

    /// <summary>Gives every line a turn, the one with the oldest message first.</summary>
    public IReadOnlyList<OutboxTurn> TakeTurns()
    {
        lock (_lock)
        {
            return [.. _lines.Values.OrderBy(line => line.Messages.First!.Value.MadeAt).Select(NextTurn)];
        }
    }

    /// <summary>The message whose turn it is; it is not dropped for room while it is being sent.</summary>
    /// <returns>False when the turn is void or nothing is left.</returns>
    public bool TryTake(OutboxTurn turn, [NotNullWhen(true)] out OutboxMessage? message)
    {
        lock (_lock)
        {
            message = null;
            if (turn.Line.Turn != turn.Number)
            {
                return false;
            }

            if (turn.Line.Messages.First is not { Value.IsHeld: false } first)
            {
                turn.Line.State = OutboxLineState.Idle;
                return false;
            }

            turn.Line.State = OutboxLineState.Queued;
            turn.Line.IsBeingSent = true;
            message = first.Value;
            Keep(message);
            return true;
        }
    }

    /// <summary>Takes a message out, when it is still there.</summary>
    public void Remove(Guid jobId, int number) => Remove(jobId, number, number);

    /// <summary>
    /// Takes a message out, and those before it: a task's messages go in order. There are some before it when replay, which does not know what was being
    /// sent, dropped others for room.
    /// </summary>
    public void RemoveThrough(Guid jobId, int number) => Remove(jobId, 1, number);

    /// <summary>The next turn of a line whose turn is over; null when nothing is left or the turn became void.</summary>
    /// <param name="turn">The turn that is over.</param>
    /// <param name="isSent">False when the message stays, to be tried again.</param>
    /// <param name="isTried">False when sending it was not tried.</param>
    public OutboxTurn? Next(OutboxTurn turn, bool isSent, bool isTried = true)
    {
        lock (_lock)
        {
            OutboxLine line = turn.Line;
            if (line.Turn != turn.Number)
            {
                return null;
            }

            line.IsBeingSent = false;
            line.FailedAttempts = isSent ? 0 : line.FailedAttempts + (isTried ? 1 : 0);
            if (line.Messages.First is { Value: { IsFinal: false, Droppable: null } waiting })
            {
                waiting.Droppable = _droppable.AddFirst(waiting);
            }

            line.State = OutboxLineState.Idle;
            return WakeLine(line);
        }
    }

    /// <summary>Drops all that waits of a task, and stops the sending of what is being sent.</summary>
    public void Revoke(Guid jobId)
    {
        List<OutboxMessage> dropped;
        OutboxLine? line;
        lock (_lock)
        {
            if (!_lines.TryGetValue(jobId, out line))
            {
                return;
            }

            dropped = [.. line.Messages];
            dropped.ForEach(Take);
            line.Turn++;
        }

        _ = line.Revoked.CancelAsync(); // Whoever revokes does not wait for it.
        foreach (OutboxMessage message in dropped)
        {
            CallbackRecords.Delete(records, jobId, message.Number);
            MoorchehMetrics.CallbackEnded(CallbackResult.Dropped);
        }
    }

    /// <summary>Gives those lines a turn whose first message was made before a time and is not being sent.</summary>
    /// <param name="madeBefore">The time.</param>
    /// <param name="areTried">True for those only that failed, or whose exchange does.</param>
    public IReadOnlyList<OutboxTurn> TakeTurns(DateTimeOffset madeBefore, bool areTried)
    {
        lock (_lock)
        {
            return
            [
                .. _lines.Values
                    .Where(line => !line.IsBeingSent && (line.IsTried || !areTried) && line.Messages.First!.Value is { IsHeld: false } first && first.MadeAt < madeBefore)
                    .Select(NextTurn),
            ];
        }
    }

    /// <summary>There is no room for a message of progress, which was not made.</summary>
    public void Refuse()
    {
        MoorchehMetrics.CallbackEnded(CallbackResult.Dropped);
        lock (_lock)
        {
            if (_isFullNoted)
            {
                return;
            }

            _isFullNoted = true;
        }

        logger.OutboxFull(maxMessages);
    }

    private void Remove(Guid jobId, int first, int last)
    {
        OutboxMessage[] removed = [];
        lock (_lock)
        {
            if (_lines.TryGetValue(jobId, out OutboxLine? line))
            {
                removed = [.. line.Messages.Where(message => message.Number >= first && message.Number <= last)];
                Array.ForEach(removed, Take);
            }

            _isFullNoted &= _count > maxMessages / 2;
        }

        foreach (OutboxMessage message in removed)
        {
            CallbackRecords.Delete(records, jobId, message.Number);
        }
    }

    private OutboxLine Put(OutboxMessage message, string exchangeName)
    {
        if (!_lines.TryGetValue(message.JobId, out OutboxLine? line))
        {
            if (!_exchanges.TryGetValue(exchangeName, out OutboxExchange? exchange))
            {
                _exchanges[exchangeName] = exchange = new OutboxExchange(exchangeName);
            }

            exchange.Lines++;
            _lines[message.JobId] = line = new OutboxLine(exchange);
        }

        line.Messages.AddLast(message);
        if (!message.IsFinal)
        {
            message.Droppable = _droppable.AddLast(message);
        }

        _count++;
        return line;
    }

    private void Take(OutboxMessage message)
    {
        OutboxLine line = _lines[message.JobId];
        line.Messages.Remove(message);
        Keep(message);
        _count--;
        if (line.Messages.Count == 0)
        {
            _lines.Remove(message.JobId);
            if (--line.Exchange.Lines == 0)
            {
                _exchanges.Remove(line.Exchange.Name);
            }
        }
    }

    /// <summary>Takes a message from those that may be dropped.</summary>
    private void Keep(OutboxMessage message)
    {
        if (message.Droppable is { } place)
        {
            _droppable.Remove(place);
            message.Droppable = null;
        }
    }

    /// <summary>A turn for a line that has something to send and that nobody looks after, or that waits for a commit which has happened meanwhile.</summary>
    private static OutboxTurn? WakeLine(OutboxLine line) =>
        line.Messages.First is { Value: { IsHeld: false } first }
        && (line.State == OutboxLineState.Idle || (line.State == OutboxLineState.Lingering && first.IsDurable))
            ? NextTurn(line)
            : null;

    private static OutboxTurn NextTurn(OutboxLine line)
    {
        bool lingers = !line.Messages.First!.Value.IsDurable;
        line.State = lingers ? OutboxLineState.Lingering : OutboxLineState.Queued;
        return new OutboxTurn(line, ++line.Turn, lingers);
    }

    private void Wake(OutboxTurn? turn)
    {
        if (turn is { } next)
        {
            Waiting?.Invoke(next);
        }
    }

    private void Drop(OutboxMessage message)
    {
        CallbackRecords.Delete(records, message.JobId, message.Number);
        Refuse();
    }
}
