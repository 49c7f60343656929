using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Moorcheh.Diagnostics;

namespace Moorcheh.Tests.Support;

/// <summary>Listens to the counters of messages about tasks.</summary>
internal sealed class CallbackCounter : IDisposable
{
    private readonly ConcurrentDictionary<string, long> _counts = new();
    private readonly MeterListener _listener;
    private long _waiting;

    public CallbackCounter()
    {
        _listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == MoorchehMetrics.MeterName)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        _listener.SetMeasurementEventCallback<long>((instrument, count, tags, _) =>
        {
            if (instrument.Name == MoorchehMetrics.Callbacks)
            {
                _counts.AddOrUpdate((string)tags[0].Value!, count, (_, before) => before + count);
            }
            else if (instrument.Name == MoorchehMetrics.WaitingCallbacks)
            {
                _waiting = count;
            }
        });
        _listener.Start();
    }

    public long Sent => Count("sent");

    public long Dropped => Count("dropped");

    public long Expired => Count("expired");

    /// <summary>Messages that wait, of all stores of the process.</summary>
    public long Waiting
    {
        get
        {
            _listener.RecordObservableInstruments();
            return _waiting;
        }
    }

    public void Dispose() => _listener.Dispose();

    private long Count(string result) => _counts.GetValueOrDefault(result);
}
