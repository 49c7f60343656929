using System.Diagnostics.Metrics;

namespace Moorcheh.Diagnostics;

/// <summary>Every instrument of Core, below the meter <c>Moorcheh</c>.</summary>
internal static class MoorchehMetrics
{
    public const string MeterName = "Moorcheh";

    public const string Callbacks = "moorcheh.callbacks";

    private static readonly Meter Meter = new(MeterName);

    private static readonly Counter<long> CallbackCounter = Meter.CreateCounter<long>(Callbacks, "{message}", "Messages about tasks, by result.");

    public static void CallbackDropped() => CallbackCounter.Add(1, new KeyValuePair<string, object?>("result", "dropped"));
}
