namespace Moorcheh.Http.Transfers;

/// <summary>What all requests of a host share: the budget of bytes, the gate of large bodies, and the number of answers that are looked up at once.</summary>
internal sealed class TransferLimits(MoorchehHttpOptions options)
{
    // Looking up an answer holds one record at a time, which may have more than a mebibyte.
    private const int MaxLookups = 32;

    public MoorchehHttpOptions Options => options;

    public ByteBudget Budget { get; } = new(options.MaxBytesInFlight);

    public WorkGate Work { get; } = new(options.MaxBodyBytes);

    public SemaphoreSlim Lookups { get; } = new(MaxLookups);
}
