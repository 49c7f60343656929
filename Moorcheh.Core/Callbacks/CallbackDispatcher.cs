using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts;
using Moorcheh.Callbacks.Messages;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Jobs;
using Moorcheh.Storage;

namespace Moorcheh.Callbacks;

/// <summary>
/// Sends what is in the outbox: of each task one message after the other, of different tasks side by side. A message that could not be sent is tried
/// again after a pause, until it is too old; its exchange pauses with it (<see cref="OutboxExchange"/>), and no other exchange does. A
/// message is sent only when its entry is on disk, and taken out of
/// the outbox by an entry that nobody waits for: when that is lost, the message is sent again.
/// </summary>
internal sealed class CallbackDispatcher(StoreState state, IJournal journal, CheckpointGate gate, WorkMarks marks, MoorchehOptions options, ILogger logger)
{
    /// <summary>Most messages that are being sent at once, over all exchanges.</summary>
    public const int SendsAtOnce = 64;

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(60);

    // Longer than a publisher should need to find out that a broker does not answer.
    private static readonly TimeSpan SendLimit = TimeSpan.FromSeconds(30);

    // A message of progress waits this long for somebody else's commit, so that its own does not keep a task's commit waiting.
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(50);

    // Messages of as long a time go out together: a client and a broker take many at once for little more than one, which leaves more of the
    // machine to the tasks. `callbacks` measures what is left of it: docs/measurements.md.
    private static readonly TimeSpan GatherTime = TimeSpan.FromMilliseconds(20);

    // Messages behind many that hang are looked at this often.
    private static readonly TimeSpan ExpiryInterval = TimeSpan.FromSeconds(30);

    // What is being sent when the store closes may still come to its end; then it is not sent twice.
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(1);

    private readonly ICallbackPublisher? _publisher = options.Artifacts.CallbackPublisher;
    private readonly List<OutboxTurn> _gathered = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _sending = new();
    private readonly BackgroundLoop _sends = new("callbacks", options.TimeProvider, logger);
    private readonly BackgroundLoop _expiry = new("callback-expiry", options.TimeProvider, logger);
    private WorkerPool<OutboxTurn>? _pool;
    private Task _expiring = Task.CompletedTask;

    public IEnumerable<LoopStatus> Loops => [_sends.Status, _expiry.Status];

    public void Start()
    {
        state.Messages.Dropped = _publisher is null ? NoteDropped : null;
        MoorchehMetrics.Add(state.Outbox);
        if (_publisher is not null)
        {
            _pool = new WorkerPool<OutboxTurn>(SendsAtOnce, (turn, _) => SendTurnAsync(turn), options.TimeProvider, _sends);
            state.Outbox.Waiting = Gather;
            foreach (OutboxTurn turn in state.Outbox.TakeTurns())
            {
                Add(turn);
            }

            _pool.Start();
        }
        else if (state.Outbox.Count > 0)
        {
            logger.CallbacksStranded(state.Outbox.Count);
        }

        _expiring = Task.Run(ExpireAsync);
    }

    /// <summary>Stops: what is being sent gets a moment, what waits is sent when the store is opened again.</summary>
    /// <returns>False when the time was over before everything stood still.</returns>
    public async Task<bool> StopAsync(TimeSpan patience)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        _sending.CancelAfter(CloseLimit);
        bool stopped = _pool is null || await _pool.StopAsync(patience).ConfigureAwait(false);
        await _expiring.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        MoorchehMetrics.Remove(state.Outbox);
        return stopped;
    }

    /// <summary>Called within a change.</summary>
    private void NoteDropped(CallbackEnded ended)
    {
        try
        {
            Append(ended);
        }
        catch (MoorchehException)
        {
            // Nothing can be appended any more, as whoever does next is told: the message is made at the next opening, as if this entry were lost.
        }
    }

    /// <summary>Queues a line with something new.</summary>
    private void Gather(OutboxTurn turn)
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

    private void Add(OutboxTurn turn)
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

    private void Queue(OutboxTurn turn)
    {
        turn.Line.Exchange.Add(turn);
        SendNext(turn.Line.Exchange);
    }

    /// <summary>Gives work to as many lines of an exchange as may send now.</summary>
    private void SendNext(OutboxExchange exchange)
    {
        while (exchange.TryBegin(out OutboxTurn turn))
        {
            _pool?.Add(turn);
        }
    }

    private async Task SendTurnAsync(OutboxTurn turn)
    {
        try
        {
            await WorkAsync(turn).ConfigureAwait(false);
        }
        finally
        {
            turn.Line.Exchange.End();
            SendNext(turn.Line.Exchange);
        }
    }

    private async Task AfterAsync(TimeSpan pause, Action act)
    {
        await Task.Delay(pause, options.TimeProvider, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_stopping.IsCancellationRequested)
        {
            act();
        }
    }

    /// <summary>Sends the first message of a line, or drops it when it is too old.</summary>
    private async Task WorkAsync(OutboxTurn turn)
    {
        if (!state.Outbox.TryTake(turn, out OutboxMessage? message))
        {
            return;
        }

        bool isOut = false;
        bool isTried = true;
        try
        {
            CallbackResult result;
            if (IsExpired(turn.Line, message))
            {
                result = Expire(message);
            }
            else
            {
                isTried = false;
                CallbackMessage? found = await ReadAsync(turn.Line, message).ConfigureAwait(false);
                isTried = true;
                result = found is null ? CallbackResult.Dropped : await SendAsync(turn.Line, message, found).ConfigureAwait(false);
            }

            await TakeOutAsync(message, result).ConfigureAwait(false);
            isOut = true;
            _sends.Succeed();
        }
        catch (Exception) when (_sending.IsCancellationRequested || turn.Line.Revoked.IsCancellationRequested)
        {
            // It is not to be sent now, or not at all.
        }
        catch (Exception e)
        {
            logger.CallbackFailedAgain(message.Id, turn.Line.FailedAttempts + 1, e);
        }

        if (state.Outbox.Next(turn, isOut, isTried) is { } next)
        {
            if (isOut)
            {
                Add(next);
            }
            else
            {
                _ = AfterAsync(isTried ? PauseAfter(turn.Line.FailedAttempts) : FirstPause, () => Queue(next));
            }
        }
    }

    /// <summary>What to send; null when it cannot be read. Trouble of the disk is no attempt to send it.</summary>
    private async Task<CallbackMessage?> ReadAsync(OutboxLine line, OutboxMessage message)
    {
        if (!message.IsDurable)
        {
            await journal.CommitAsync().ConfigureAwait(false);
            message.IsDurable = true;
        }

        CallbackMessage? sent;
        try
        {
            sent = await CallbackRecords.FindAsync(state.Records, message.JobId, message.Number, message.Id).ConfigureAwait(false);
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
        {
            logger.CallbackLost(message.Id, e);
            return null;
        }

        line.Revoked.Token.ThrowIfCancellationRequested();
        if (sent is null)
        {
            logger.CallbackLost(message.Id, null);
        }

        return sent;
    }

    private async Task<CallbackResult> SendAsync(OutboxLine line, OutboxMessage message, CallbackMessage sent)
    {
        if (message.ProcessEnds >= WorkMarks.MaxEnds)
        {
            logger.CallbackGivenUp(sent.MessageId, message.ProcessEnds);
            return CallbackResult.Dropped;
        }

        CrashPoints.Pass(CrashPoints.CallbackReady);
        using (await marks.BeginAsync([message.Work], message.ProcessEnds).ConfigureAwait(false))
        {
            await PublishAsync(line, sent).ConfigureAwait(false);
        }

        CrashPoints.Pass(CrashPoints.CallbackTaken);
        return CallbackResult.Sent;
    }

    private async Task PublishAsync(OutboxLine line, CallbackMessage message)
    {
        using var limit = new CancellationTokenSource(SendLimit, options.TimeProvider);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _sending.Token, line.Revoked.Token);
        try
        {
            await _publisher!.PublishAsync(message, stop.Token).WaitAsync(stop.Token).ConfigureAwait(false);
            line.Exchange.Succeed();
        }
        catch (Exception e) when (!_sending.IsCancellationRequested && !line.Revoked.IsCancellationRequested)
        {
            string reason = limit.IsCancellationRequested ? $"it took more than {SendLimit.TotalSeconds} s." : e.Message;
            Pause(line, message, reason);
            throw;
        }
    }

    private void Pause(OutboxLine line, CallbackMessage message, string reason)
    {
        OutboxExchange exchange = line.Exchange;
        if (!exchange.TryPause(out int failures, out int pause))
        {
            return;
        }

        if (failures == 1 && line.FailedAttempts == 0)
        {
            logger.CallbackFailed(message.MessageId, message.Exchange, reason);
        }

        _ = AfterAsync(
            PauseAfter(failures),
            () =>
            {
                exchange.Resume(pause);
                SendNext(exchange);
            });
    }

    private CallbackResult Expire(OutboxMessage message)
    {
        logger.CallbackExpired(message.Id, message.MadeAt, options.Artifacts.CallbackRetention);
        return CallbackResult.Expired;
    }

    private async Task TakeOutAsync(OutboxMessage message, CallbackResult result)
    {
        var ended = new CallbackEnded(message.JobId, message.Number, result);
        using (await gate.EnterChangeAsync().ConfigureAwait(false))
        {
            Append(ended);
            MoorchehMetrics.CallbackEnded(result); // Before anybody can read that it waits no more.
            state.Apply(ended);
        }
    }

    private void Append(in CallbackEnded ended)
    {
        var writer = new ByteWriter(32);
        ended.Write(writer);
        journal.Append(JournalEntryType.CallbackEnded, writer.Written);
    }

    /// <summary>Looks after messages that are too old although their turn has not come.</summary>
    private async Task ExpireAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            await _expiry.TryAsync(DropOldAsync, _stopping.Token).ConfigureAwait(false);
            await Task.Delay(ExpiryInterval, options.TimeProvider, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task DropOldAsync()
    {
        foreach (OutboxTurn turn in state.Outbox.TakeTurns(OldestKept(), areTried: _publisher is not null))
        {
            await WorkAsync(turn).ConfigureAwait(false);
        }
    }

    private bool IsExpired(OutboxLine line, OutboxMessage message) => message.MadeAt < OldestKept() && (line.IsTried || _publisher is null);

    private DateTimeOffset OldestKept() => options.TimeProvider.GetUtcNow() - options.Artifacts.CallbackRetention;

    private static TimeSpan PauseAfter(int failures) => Backoff.Pause(FirstPause, MaxPause, failures);
}
