namespace Moorcheh.Sidecar.Providers;

/// <summary>Since when a provider has been away. Safe for use from several threads.</summary>
internal sealed class ProviderOutage(TimeProvider clock)
{
    // As long as a restart takes. After it, uploads fail at once instead of waiting for each of their batches.
    private static readonly TimeSpan LongAfter = TimeSpan.FromMinutes(1);

    private long _since;

    /// <summary>True while it is away.</summary>
    public bool IsOn => Interlocked.Read(ref _since) != 0;

    /// <summary>True when nobody should wait for its end.</summary>
    public bool IsLong => Interlocked.Read(ref _since) is var since and not 0 && clock.GetElapsedTime(since) > LongAfter;

    /// <summary>Tells that it is away.</summary>
    /// <returns>True when it was there until now.</returns>
    public bool Begin() => Interlocked.CompareExchange(ref _since, Math.Max(1, clock.GetTimestamp()), 0) == 0;

    /// <summary>Tells that it answers.</summary>
    public void End() => Interlocked.Exchange(ref _since, 0);
}
