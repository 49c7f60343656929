using System.Net.Http.Headers;

namespace Moorcheh.Sidecar.Providers;

/// <summary>
/// Adds the key, which no client library gets to know, and turns every failure into a <see cref="ProviderException"/> before a client
/// library makes a text of its own from it.
/// </summary>
internal sealed class ProviderHandler(ProviderSettings settings, ProviderErrors errors, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private readonly AuthenticationHeaderValue? _authorization = settings.Key.Length == 0 ? null : new("Bearer", settings.Key);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.Authorization = _authorization;
        HttpResponseMessage response;
        try
        {
            response = await base.SendAsync(request, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            throw errors.Of(e);
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw await errors.OfAsync(response, cancellationToken);
        }
    }
}
