using Moorcheh.Http.Diagnostics;
using Moorcheh.Http.Errors;
using Moorcheh.Http.Json;
using Moorcheh.Http.Transfers;

namespace Moorcheh.Http.Endpoints;

/// <summary>
/// Stands before every route: asks for the API key, then for an open store, runs the handler, and turns whatever is thrown
/// into an answer of the API the route belongs to.
/// </summary>
internal sealed class RequestGate(StoreAccess store, IApiDialect dialect, TransferLimits limits, ILogger<RequestGate> logger) : IEndpointFilter
{
    private const int MaxDrainSeconds = 10;

    /// <inheritdoc/>
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        HttpContext http = context.HttpContext;
        RouteRules rules = http.GetRouteRules();
        using var transfer = new Transfer(limits, store.Stopping);
        http.Features.Set(transfer);
        try
        {
            if (!rules.IsKeyExempt && !dialect.Allows(http.Request))
            {
                throw RequestErrors.Unauthorized();
            }

            if (!rules.IsServedAlways)
            {
                _ = store.Store;
            }

            // Runs here and not later, so that a failure while the answer is written is answered like any other.
            var result = (IResult)(await next(context))!;
            await result.ExecuteAsync(http);
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has gone; there is nobody to answer.
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            Exception known = Translate(e, transfer);
            if (dialect.Answer(known, rules) is { } answer)
            {
                await AnswerAsync(http, answer, (known as MoorchehException)?.Code);
            }
            else
            {
                string reference = Guid.NewGuid().ToString("N");
                logger.RequestFailed(http.Request.Method, http.FullPath(), reference, e);
                await dialect.Internal(reference).ExecuteAsync(http);
            }
        }
        catch (Exception e)
        {
            // The client has part of an answer that cannot be finished. It must not take it for whole.
            if (e is not OperationCanceledException)
            {
                logger.AnswerBroken(http.Request.Method, http.FullPath(), e);
            }

            http.Abort();
        }

        return Results.Empty;
    }

    private Exception Translate(Exception error, Transfer transfer) => error switch
    {
        ObjectDisposedException when store.Stopping.IsCancellationRequested => RequestErrors.ShuttingDown(),
        OperationCanceledException when store.Stopping.IsCancellationRequested => RequestErrors.ShuttingDown(),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => RequestErrors.BodyTooLarge(transfer.MaxBodyBytes),
        BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout } => transfer.BodyTooLate(),

        MoorchehException { Code: ErrorCodes.ItemGone } => RequestErrors.AnswerOvertaken(),

        // The body ended early or its chunks are broken: what was announced as JSON is not there.
        BadHttpRequestException => RequestErrors.InvalidJson(1, 1),
        _ => error,
    };

    private async Task AnswerAsync(HttpContext http, IResult answer, string? code)
    {
        // The body was not read to its end.
        bool isTooLarge = code is HttpErrorCodes.BodyTooLarge or HttpErrorCodes.ServerBusy;
        if (isTooLarge || code is HttpErrorCodes.RequestTimeout)
        {
            http.Response.Headers.Connection = "close";
        }

        await answer.ExecuteAsync(http);
        if (isTooLarge)
        {
            await http.Response.CompleteAsync();
            await DrainAsync(http);
        }
    }

    /// <summary>
    /// Takes the rest of a body that is too large from the wire, within limits. Closing with unread bytes resets the connection,
    /// and a client that sends first and reads afterwards would never see the answer.
    /// </summary>
    private async Task DrainAsync(HttpContext http)
    {
        if (http.Request.Headers.Expect.Count > 0 && http.Request.ContentLength > Transfer.Of(http).MaxBodyBytes)
        {
            // The client waits for permission to send, which it did not get; it has its answer now.
            return;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        limit.CancelAfter(TimeSpan.FromSeconds(MaxDrainSeconds));
        byte[] scratch = new byte[64 << 10];
        long left = RequestBody.ServerLimitFactor * limits.Options.MaxBodyBytes;
        try
        {
            while (left > 0)
            {
                int read = await http.Request.Body.ReadAsync(scratch, limit.Token);
                if (read == 0)
                {
                    return;
                }

                left -= read;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or BadHttpRequestException)
        {
            // The connection closes either way.
        }
    }
}
