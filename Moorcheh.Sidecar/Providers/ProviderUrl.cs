namespace Moorcheh.Sidecar.Providers;

/// <summary>The setting <c>EmbeddingBaseUrl</c>.</summary>
internal static class ProviderUrl
{
    private const string Rule = "it must be http:// or https:// with a host, and perhaps a port and a path";

    /// <summary>Reads an address; the result ends with a slash.</summary>
    /// <exception cref="SettingsException">It is no address of a server, or has a user, a query or a fragment.</exception>
    public static Uri Parse(string text)
    {
        // What looks like a password or a key of the query is not shown.
        if (text.Contains('@', StringComparison.Ordinal))
        {
            throw new SettingsException("Option 'EmbeddingBaseUrl' has a user ('...@'); give the key as 'EmbeddingApiKey' instead.");
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
        {
            throw new SettingsException($"Option 'EmbeddingBaseUrl' is '{text.Split('?')[0]}'; {Rule}.");
        }

        if (url.Query.Length > 0 || url.Fragment.Length > 0)
        {
            throw new SettingsException(
                $"Option 'EmbeddingBaseUrl' is '{url.GetLeftPart(UriPartial.Path)}' with a query or a fragment; {Rule}.");
        }

        return url.AbsoluteUri.EndsWith('/') ? url : new Uri(url.AbsoluteUri + "/");
    }
}
