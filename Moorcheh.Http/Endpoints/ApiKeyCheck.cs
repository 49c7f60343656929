using System.Security.Cryptography;
using System.Text;

namespace Moorcheh.Http.Endpoints;

/// <summary>Decides whether a request carries one of the API keys.</summary>
internal sealed class ApiKeyCheck(IEnumerable<string> keys)
{
    private const string KeyHeader = "x-api-key";
    private const string BearerPrefix = "Bearer ";

    // Digests are compared, so that neither the length of a key nor its first wrong character shows in the time it takes.
    private readonly byte[][] _digests = [.. keys.Select(Digest)];

    /// <summary>True when the request may pass; always true without keys.</summary>
    public bool Allows(HttpRequest request)
    {
        if (_digests.Length == 0)
        {
            return true;
        }

        bool isKnown = false;
        foreach (string? value in request.Headers[KeyHeader])
        {
            isKnown |= IsKey(value);
        }

        foreach (string? value in request.Headers.Authorization)
        {
            if (value is not null && value.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase))
            {
                isKnown |= IsKey(value[BearerPrefix.Length..].Trim());
            }
        }

        return isKnown;
    }

    private bool IsKey(string? sent)
    {
        byte[] digest = Digest(sent ?? "");
        bool isKnown = false;
        foreach (byte[] known in _digests)
        {
            isKnown |= CryptographicOperations.FixedTimeEquals(known, digest);
        }

        return isKnown;
    }

    private static byte[] Digest(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
