namespace Moorcheh.Callbacks.Messages;

/// <summary>Which messages wait: by task, with the exchange they are for, and which of them may be dropped for room. Guarded by the outbox.</summary>
internal sealed class OutboxLines
{
    private readonly Dictionary<Guid, OutboxLine> _byTask = [];
    private readonly Dictionary<string, OutboxExchange> _exchanges = new(StringComparer.Ordinal);
    private readonly LinkedList<OutboxMessage> _droppable = [];
    private int _count;

    /// <summary>Messages that wait; may be read without the lock.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Those that may not be dropped.</summary>
    public int KeptCount => _count - _droppable.Count;

    public OutboxMessage? OldestDroppable => _droppable.First?.Value;

    public IEnumerable<OutboxLine> All => _byTask.Values;

    public OutboxLine? Find(Guid jobId) => _byTask.GetValueOrDefault(jobId);

    /// <summary>Puts a message behind the others of its task.</summary>
    public OutboxLine Put(OutboxMessage message, string exchangeName)
    {
        if (!_byTask.TryGetValue(message.JobId, out OutboxLine? line))
        {
            if (!_exchanges.TryGetValue(exchangeName, out OutboxExchange? exchange))
            {
                _exchanges[exchangeName] = exchange = new OutboxExchange(exchangeName);
            }

            exchange.Lines++;
            _byTask[message.JobId] = line = new OutboxLine(exchange);
        }

        line.Messages.AddLast(message);
        if (!message.IsFinal)
        {
            message.Droppable = _droppable.AddLast(message);
        }

        _count++;
        return line;
    }

    /// <summary>Takes a message out.</summary>
    public void Take(OutboxMessage message)
    {
        OutboxLine line = _byTask[message.JobId];
        line.Messages.Remove(message);
        Keep(message);
        _count--;
        if (line.Messages.Count == 0)
        {
            _byTask.Remove(message.JobId);
            if (--line.Exchange.Lines == 0)
            {
                _exchanges.Remove(line.Exchange.Name);
            }
        }
    }

    /// <summary>Takes a message from those that may be dropped.</summary>
    public void Keep(OutboxMessage message)
    {
        if (message.Droppable is { } place)
        {
            _droppable.Remove(place);
            message.Droppable = null;
        }
    }

    /// <summary>Puts a message before the others that may be dropped, unless it may not be or is among them.</summary>
    public void KeepNoLonger(OutboxMessage message)
    {
        if (message is { IsFinal: false, Droppable: null })
        {
            message.Droppable = _droppable.AddFirst(message);
        }
    }
}
