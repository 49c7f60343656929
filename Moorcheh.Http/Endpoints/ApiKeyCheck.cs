namespace Moorcheh.Http.Endpoints;

/// <summary>Decides whether a request carries one of the API keys.</summary>
internal sealed class ApiKeyCheck(IEnumerable<string> keys)
{
    private const string KeyHeader = "x-api-key";
    private const string BearerPrefix = "Bearer ";

    private readonly SecretSet _keys = new(keys);

    /// <summary>True when the request may pass; always true without keys.</summary>
    public bool Allows(HttpRequest request)
    {
        if (_keys.IsEmpty)
        {
            return true;
        }

        bool isKnown = false;
        foreach (string? value in request.Headers[KeyHeader])
        {
            isKnown |= _keys.Contains(value);
        }

        foreach (string? value in request.Headers.Authorization)
        {
            if (value is not null && value.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase))
            {
                isKnown |= _keys.Contains(value[BearerPrefix.Length..].Trim());
            }
        }

        return isKnown;
    }
}
