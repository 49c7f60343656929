using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Diagnostics;

namespace Moorcheh.Callbacks.Messages;

/// <summary>
/// Makes the messages about tasks. Numbers and bytes are a function of the journal's entries, so that replay makes the same messages, and a number
/// is never given to other bytes.
/// </summary>
internal sealed class TaskMessages(Outbox outbox, ILogger logger)
{
    /// <summary>False when a store is open that has nobody to send messages: then none are made.</summary>
    public bool IsOn => Dropped is null;

    /// <summary>
    /// Set when a store is open that has nobody to send messages: notes in the journal which task's messages are dropped, through which
    /// number, since replay, where this is null, makes it.
    /// </summary>
    public Action<Guid, int>? Dropped { get; set; }

    /// <summary>A task came this far.</summary>
    /// <param name="task">A task with a callback.</param>
    /// <param name="number">Of the message.</param>
    /// <param name="step">What it does.</param>
    /// <param name="hundredths">How much of the step is done.</param>
    /// <param name="at">When.</param>
    /// <param name="isDurable">False when the entry is not known to be on disk yet.</param>
    public void Progress(ArtifactTaskEntry task, int number, CallbackStep step, int hundredths, DateTimeOffset at, bool isDurable)
    {
        TaskCallback callback = task.Callback!;
        lock (callback.Lock)
        {
            if (!callback.IsClosed)
            {
                callback.Say(number, step, hundredths);
                AddProgress(task, callback, number, step, hundredths, at, isDurable: isDurable);
            }
        }
    }

    /// <summary>A task has ended, on disk. Its messages are there before anybody can read so, and are sent from <see cref="Release"/> on.</summary>
    /// <param name="task">The task.</param>
    /// <param name="errorCode">Why it failed; null when it succeeded.</param>
    /// <param name="error">The text of that.</param>
    /// <param name="stored">The metadata an ingest stored; null when there was nothing to store.</param>
    /// <param name="at">When it ended.</param>
    public void End(ArtifactTaskEntry task, string? errorCode, string? error, ItemMetadata? stored, DateTimeOffset at)
    {
        if (task.Callback is not { } callback)
        {
            return;
        }

        ArtifactTaskStatus status = task.Status with { ErrorCode = errorCode, LastError = error };
        bool isDone = errorCode is null;
        ArtifactCallback target = callback.Target;
        lock (callback.Lock)
        {
            callback.IsClosed = true;
            if (Dropped is not null)
            {
                Drop(task, callback, isDone && callback.WantsProgress);
                return;
            }

            if (isDone && callback.WantsProgress)
            {
                foreach ((CallbackStep step, int hundredths) in callback.Rest())
                {
                    int number = callback.Next();
                    callback.Say(number, step, hundredths);
                    AddProgress(task, callback, number, step, hundredths, at, isLast: true);
                }
            }

            string type = CallbackJson.TypeOf(status.IsIngest, isDone ? "done" : "error");
            Add(
                new OutboxMessage(task.Id, callback.Next(), isFinal: true, at) { IsDurable = true, IsHeld = true },
                target.Exchange,
                isDone ? target.RoutingKeyDone : target.RoutingKeyError,
                type,
                isDone ? CallbackJson.Done(type, status, stored, target.Properties) : CallbackJson.Error(type, status, target.Properties));
            callback.Forget();
        }
    }

    /// <summary>Drops what replay would make of the end of a task, and what waits of it.</summary>
    private void Drop(ArtifactTaskEntry task, TaskCallback callback, bool hasRest)
    {
        logger.CallbackDropped(task.Status.Id);
        MoorchehMetrics.CallbackEnded(CallbackResult.Dropped.ToTag());
        int last = callback.LastNumber + (hasRest ? callback.Rest().Count() : 0) + 1;
        Dropped!(task.Id, last);
        outbox.Revoke(task.Id);
        callback.Forget();
    }

    /// <summary>Everybody can read that a task has ended.</summary>
    public void Release(ArtifactTaskEntry task)
    {
        if (task.Callback is not null)
        {
            outbox.Release(task.Id);
        }
    }

    /// <summary>A task is revoked: nothing more is said of it. Call it before anybody can read so.</summary>
    public void Revoke(ArtifactTaskEntry task)
    {
        if (task.Callback is { } callback)
        {
            lock (callback.Lock)
            {
                callback.IsClosed = true;
                callback.Forget();
            }

            outbox.Revoke(task.Id);
        }
    }

    private void AddProgress(
        ArtifactTaskEntry task, TaskCallback callback, int number, CallbackStep step, int hundredths, DateTimeOffset at, bool isLast = false, bool isDurable = true)
    {
        string type = CallbackJson.TypeOf(task.Status.IsIngest, "progress");
        Add(
            new OutboxMessage(task.Id, number, isFinal: false, at) { IsDurable = isDurable, IsHeld = isLast },
            callback.Target.Exchange,
            callback.Target.RoutingKeyProgress,
            type,
            CallbackJson.Progress(type, step, hundredths, callback.Target.Properties));
    }

    private void Add(OutboxMessage message, string exchange, string? routingKey, string type, byte[] body) =>
        outbox.Add(message, exchange, string.IsNullOrEmpty(routingKey) ? type : routingKey, body);
}
