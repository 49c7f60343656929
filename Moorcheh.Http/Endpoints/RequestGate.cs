using Moorcheh.Http.Diagnostics;
using Moorcheh.Http.Errors;

namespace Moorcheh.Http.Endpoints;

/// <summary>
/// Stands before every route: asks for the API key, then for an open store, runs the handler, and turns whatever is thrown
/// into the answer its code has in <see cref="ErrorTable"/>.
/// </summary>
internal sealed class RequestGate(StoreAccess store, MoorchehHttpOptions options, ILogger<RequestGate> logger) : IEndpointFilter
{
    private const int MaxDrainSeconds = 10;

    private readonly ApiKeyCheck _keys = new(options.ApiKeys);

    /// <inheritdoc/>
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        HttpContext http = context.HttpContext;
        RouteRules rules = http.GetRouteRules();
        try
        {
            if (!rules.IsKeyExempt && !_keys.Allows(http.Request))
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
            MoorchehException? known = Translate(e);
            if (known is not null && ErrorTable.Get(known.Code).Status != StatusCodes.Status500InternalServerError)
            {
                await AnswerAsync(http, known, rules.IsSearch);
            }
            else
            {
                string reference = Guid.NewGuid().ToString("N");
                logger.RequestFailed(http.Request.Method, http.FullPath(), reference, e);
                await ErrorAnswer.Internal(reference).ExecuteAsync(http);
            }
        }

        return Results.Empty;
    }

    private MoorchehException? Translate(Exception error) => error switch
    {
        MoorchehException known => known,
        ObjectDisposedException when store.Stopping.IsCancellationRequested => RequestErrors.ShuttingDown(),
        OperationCanceledException when store.Stopping.IsCancellationRequested => RequestErrors.ShuttingDown(),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => RequestErrors.BodyTooLarge(options.MaxBodyBytes),

        // The body ended early or its chunks are broken: what was announced as JSON is not there.
        BadHttpRequestException => RequestErrors.InvalidJson(1, 1),
        _ => null,
    };

    private async Task AnswerAsync(HttpContext http, MoorchehException error, bool isSearch)
    {
        bool isTooLarge = error.Code == HttpErrorCodes.BodyTooLarge;
        if (isTooLarge)
        {
            http.Response.Headers.Connection = "close";
        }

        await ErrorAnswer.From(error, isSearch).ExecuteAsync(http);
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
        if (http.Request.Headers.Expect.Count > 0 && http.Request.ContentLength > options.MaxBodyBytes)
        {
            // The client waits for permission to send, which it did not get; it has its answer now.
            return;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        limit.CancelAfter(TimeSpan.FromSeconds(MaxDrainSeconds));
        byte[] scratch = new byte[64 << 10];
        long left = options.MaxBodyBytes;
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
