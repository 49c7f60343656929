using Microsoft.AspNetCore.Server.Kestrel.Core;
using Moorcheh.Http.Errors;

namespace Moorcheh.Http.Transfers;

/// <summary>
/// What one request holds of what all share; everything is given back at its end, however it ends. The first <see cref="FreeBytes"/> are not
/// counted, so that small requests go on while large ones have taken the budget: the number of connections bounds those. Used by one thread at a time.
/// </summary>
internal sealed class Transfer(TransferLimits limits, CancellationToken stopping) : IDisposable
{
    /// <summary>Bytes of each request that the budget does not count.</summary>
    public const int FreeBytes = 64 << 10;

    private long _held;
    private long _charged;
    private long _work;

    /// <summary>The transfer of a request; <see cref="Endpoints.RequestGate"/> has begun it.</summary>
    public static Transfer Of(HttpContext http) =>
        http.Features.Get<Transfer>() ?? throw new InvalidOperationException("The request did not come through the gate.");

    /// <summary>What all requests share.</summary>
    public TransferLimits Limits => limits;

    /// <summary>Most bytes that the route takes as a body.</summary>
    public int MaxBodyBytes { get; set; } = limits.Options.MaxBodyBytes;

    /// <summary>Holds more bytes.</summary>
    /// <exception cref="MoorchehException"><c>server-busy</c>: the budget is taken; nothing more is held.</exception>
    public void Hold(long bytes)
    {
        long charge = Math.Max(0, _held + bytes - FreeBytes);
        if (charge > _charged)
        {
            if (!limits.Budget.TryTake(charge - _charged))
            {
                throw RequestErrors.ServerBusy(limits.Budget.Taken, limits.Budget.Capacity);
            }

            _charged = charge;
        }

        _held += bytes;
    }

    /// <summary>Holds fewer bytes.</summary>
    public void Release(long bytes)
    {
        _held -= bytes;
        long charge = Math.Max(0, _held - FreeBytes);
        if (charge < _charged)
        {
            limits.Budget.Return(_charged - charge);
            _charged = charge;
        }
    }

    /// <summary>Waits until a body may be turned into an upload; the turn ends with <see cref="EndWork"/> or the request.</summary>
    /// <exception cref="OperationCanceledException">The client has gone, or the server stops.</exception>
    public async ValueTask BeginWorkAsync(HttpContext http, int bodyBytes)
    {
        if (bodyBytes > FreeBytes)
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
            await limits.Work.EnterAsync(bodyBytes, end.Token);
            _work = bodyBytes;
        }
    }

    public void EndWork()
    {
        if (Interlocked.Exchange(ref _work, 0) is > 0 and var bytes)
        {
            limits.Work.Leave(bytes);
        }
    }

    /// <summary>What the server is told to ask of a body; it comes later than <see cref="StartBody"/>.</summary>
    public MinDataRate? ServerBodyRate => limits.Options.MinBodyBytesPerSecond == 0
        ? null
        : new MinDataRate(limits.Options.MinBodyBytesPerSecond, TimeSpan.FromSeconds(limits.Options.TransferGraceSeconds + 2));

    /// <summary>The time in which a body must arrive.</summary>
    public Pace StartBody(HttpContext http) =>
        new(limits.Options.MinBodyBytesPerSecond, TimeSpan.FromSeconds(limits.Options.TransferGraceSeconds), http.RequestAborted, stopping);

    /// <summary>The time in which an answer must be taken.</summary>
    public Pace StartAnswer(HttpContext http) =>
        new(limits.Options.MinAnswerBytesPerSecond, TimeSpan.FromSeconds(limits.Options.TransferGraceSeconds), http.RequestAborted, stopping);

    /// <summary>What a client is told whose body did not arrive in time.</summary>
    public MoorchehException BodyTooLate() => stopping.IsCancellationRequested
        ? RequestErrors.ShuttingDown()
        : RequestErrors.RequestTimeout(limits.Options.MinBodyBytesPerSecond, limits.Options.TransferGraceSeconds);

    /// <inheritdoc/>
    public void Dispose()
    {
        EndWork();
        limits.Budget.Return(_charged);
        _charged = 0;
        _held = 0;
    }
}
