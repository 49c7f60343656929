using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;
using Moorcheh.Http.Contracts;

namespace Moorcheh.Http.Endpoints;

/// <summary><c>GET /metrics</c>: the counters of the process since the routes were mapped, and, while the store is open, its counts. Prometheus text.</summary>
internal sealed class MetricsEndpoint : IDisposable
{
    private const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    // The meter and counter of Core, and all that its tag can be.
    private const string Meter = "Moorcheh";
    private const string Callbacks = "moorcheh.callbacks";
    private static readonly string[] CallbackResults = ["sent", "expired", "dropped"];

    private readonly StoreAccess _access;
    private readonly ConcurrentDictionary<string, long> _callbacks = new(CallbackResults.Select(result => KeyValuePair.Create(result, 0L)));
    private readonly MeterListener _listener;

    public MetricsEndpoint(StoreAccess access)
    {
        _access = access;
        _listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == Meter && instrument.Name == Callbacks)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        _listener.SetMeasurementEventCallback<long>((_, count, tags, _) => _callbacks.AddOrUpdate((string)tags[0].Value!, count, (_, before) => before + count));
        _listener.Start();
    }

    public void Map(RouteTable routes) => routes.Get("/metrics", Metrics, new RouteRules { IsServedAlways = true });

    public void Dispose() => _listener.Dispose();

    private IResult Metrics()
    {
        var text = new StringBuilder();
        if (_access.Find()?.GetStatus() is { } status)
        {
            Gauge(text, "moorcheh_items", "Stored items.", status.Items);
            Gauge(text, "moorcheh_max_items", "Most items the store takes.", status.MaxItems == 0 ? Wire.NoCap : status.MaxItems);
            Gauge(text, "moorcheh_reserved_items", "New items that accepted uploads may still store.", status.ReservedItems);
            Gauge(text, "moorcheh_namespaces", "Live namespaces.", status.Namespaces);
            Gauge(text, "moorcheh_callbacks_waiting", "Messages about tasks that wait to be sent.", status.WaitingCallbacks);
            Gauge(text, "moorcheh_read_only", "1 while nothing can be stored.", status.ReadOnlyReason is null ? 0 : 1);
            Head(text, "moorcheh_free_bytes", "gauge", "Bytes free on the volume of the store; NaN while unknown.");
            text.Append(Invariant($"moorcheh_free_bytes {(status.FreeBytes is { } free ? Invariant($"{free}") : "NaN")}\n"));
            Gauge(text, "moorcheh_journal_bytes", "Bytes of the journal that are kept.", status.JournalBytes);
            Gauge(text, "moorcheh_max_journal_bytes", "Journal bytes at which uploads are refused.", status.MaxJournalBytes);
            Gauge(text, "moorcheh_stopped_namespaces", "Namespaces that take no changes until the store is opened again.", status.StoppedNamespaces.Count);
            Head(text, "moorcheh_loop_failing", "gauge", "1 while background work fails.");
            foreach (LoopStatus loop in status.Loops)
            {
                text.Append(Invariant($"moorcheh_loop_failing{{loop=\"{loop.Name}\"}} {(loop.Failure is null ? 0 : 1)}\n"));
            }

            Head(text, "moorcheh_loop_last_success_timestamp_seconds", "gauge", "When background work last succeeded; NaN when it did not yet.");
            foreach (LoopStatus loop in status.Loops)
            {
                string seconds = loop.LastSuccessAt is { } at ? Invariant($"{at.ToUnixTimeMilliseconds() / 1000.0:F3}") : "NaN";
                text.Append(Invariant($"moorcheh_loop_last_success_timestamp_seconds{{loop=\"{loop.Name}\"}} {seconds}\n"));
            }
        }

        Head(text, "moorcheh_callbacks_total", "counter", "Messages about tasks, by result.");
        foreach ((string result, long count) in _callbacks.OrderBy(one => one.Key, StringComparer.Ordinal))
        {
            text.Append(Invariant($"moorcheh_callbacks_total{{result=\"{result}\"}} {count}\n"));
        }

        return Results.Text(text.ToString(), ContentType);
    }

    private static void Gauge(StringBuilder text, string name, string help, long value)
    {
        Head(text, name, "gauge", help);
        text.Append(Invariant($"{name} {value}\n"));
    }

    private static void Head(StringBuilder text, string name, string type, string help) => text.Append(Invariant($"# HELP {name} {help}\n# TYPE {name} {type}\n"));

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
