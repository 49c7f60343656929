namespace Moorcheh.Sidecar.Providers;

/// <summary>
/// Reads the whole answer, so that its end is part of the request that may take a time and may be tried again, and so that it has an end.
/// </summary>
internal sealed class AnswerReader(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    /// <summary>64 vectors of the most values an index takes, in the longest notation, are a third of it.</summary>
    public const long MaxAnswerBytes = 64L << 20;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await base.SendAsync(request, cancellationToken);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            // The time to connect is over, which the handler tells as if somebody had cancelled.
            throw new HttpRequestException(HttpRequestError.ConnectionError, $"no connection to {request.RequestUri?.Authority}", e);
        }

        try
        {
            await response.Content.LoadIntoBufferAsync(MaxAnswerBytes, cancellationToken);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }
}
