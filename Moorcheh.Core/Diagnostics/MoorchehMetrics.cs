using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Moorcheh.Diagnostics;

/// <summary>Every instrument of Core, below the meter <c>Moorcheh</c>.</summary>
internal static class MoorchehMetrics
{
    public const string MeterName = "Moorcheh";

    public const string Callbacks = "moorcheh.callbacks";

    public const string WaitingCallbacks = "moorcheh.callbacks.waiting";

    private static readonly ConcurrentDictionary<Func<long>, bool> Waiting = new();

    private static readonly Meter Meter = new(MeterName);

    private static readonly Counter<long> CallbackCounter = Meter.CreateCounter<long>(Callbacks, "{message}", "Messages about tasks, by result.");

    static MoorchehMetrics()
    {
        Meter.CreateObservableUpDownCounter(
            WaitingCallbacks, () => Waiting.Keys.Sum(count => count()), "{message}", "Messages about tasks that wait to be sent.");
    }

    /// <summary>What <see cref="Callbacks"/> is counted by.</summary>
    public static IReadOnlyList<string> CallbackResults { get; } = ["sent", "dropped", "expired"];

    /// <summary>The delivery of a message ended.</summary>
    /// <param name="result">One of <see cref="CallbackResults"/>.</param>
    public static void CallbackEnded(string result) => CallbackCounter.Add(1, new KeyValuePair<string, object?>("result", result));

    /// <summary>From here on the messages of a store count as waiting.</summary>
    /// <param name="count">Counts them.</param>
    public static void AddWaiting(Func<long> count) => Waiting[count] = true;

    /// <summary>The store is closed.</summary>
    public static void RemoveWaiting(Func<long> count) => Waiting.TryRemove(count, out _);
}
