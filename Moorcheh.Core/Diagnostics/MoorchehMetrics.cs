using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Moorcheh.Callbacks.Messages;

namespace Moorcheh.Diagnostics;

/// <summary>Every instrument of Core, below the meter <c>Moorcheh</c>.</summary>
internal static class MoorchehMetrics
{
    public const string MeterName = "Moorcheh";

    public const string Callbacks = "moorcheh.callbacks";

    public const string WaitingCallbacks = "moorcheh.callbacks.waiting";

    private static readonly ConcurrentDictionary<Outbox, bool> Outboxes = new();

    private static readonly Meter Meter = new(MeterName);

    private static readonly Counter<long> CallbackCounter = Meter.CreateCounter<long>(Callbacks, "{message}", "Messages about tasks, by result.");

    static MoorchehMetrics()
    {
        Meter.CreateObservableUpDownCounter(
            WaitingCallbacks, () => Outboxes.Keys.Sum(outbox => (long)outbox.Count), "{message}", "Messages about tasks that wait to be sent.");
    }

    /// <summary>What <see cref="Callbacks"/> is counted by.</summary>
    public static IEnumerable<string> CallbackResults => Enum.GetValues<CallbackResult>().Select(Name);

    /// <summary>The delivery of a message ended.</summary>
    public static void CallbackEnded(CallbackResult result) =>
        CallbackCounter.Add(1, new KeyValuePair<string, object?>("result", Name(result)));

    /// <summary>From here on the messages of an outbox count as waiting.</summary>
    public static void Add(Outbox outbox) => Outboxes[outbox] = true;

    /// <summary>The store of an outbox is closed.</summary>
    public static void Remove(Outbox outbox) => Outboxes.TryRemove(outbox, out _);

    private static string Name(CallbackResult result) => result switch
    {
        CallbackResult.Sent => "sent",
        CallbackResult.Expired => "expired",
        _ => "dropped",
    };
}
