using System.Security.Cryptography;
using System.Text;

namespace Moorcheh.Http.Endpoints;

/// <summary>Texts that clients must know.</summary>
internal sealed class SecretSet(IEnumerable<string> secrets)
{
    // Digests are compared, so that neither the length of a secret nor its first wrong character shows in the time it takes.
    private readonly byte[][] _digests = [.. secrets.Select(Digest)];

    public bool IsEmpty => _digests.Length == 0;

    public bool Contains(string? sent)
    {
        byte[] digest = Digest(sent ?? "");
        bool isKnown = false;
        foreach (byte[] known in _digests)
        {
            isKnown |= CryptographicOperations.FixedTimeEquals(known, digest);
        }

        return isKnown;
    }

    private static byte[] Digest(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));
}
