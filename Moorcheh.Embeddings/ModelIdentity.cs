using System.Security.Cryptography;
using System.Text;

namespace Moorcheh.Embeddings;

/// <summary>The id of a model: namespaces are bound to it, so it changes with all that changes the direction of a vector.</summary>
internal static class ModelIdentity
{
    private const int DigestBytes = 6;

    /// <summary>The name, and the first bytes of a hash over the files and settings.</summary>
    public static string Of(string name, ModelSettings settings, int? dimensions, IEnumerable<string> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in files)
        {
            using FileStream content = File.OpenRead(file);
            hash.AppendData(SHA256.HashData(content));
        }

        // Lengths keep two prefixes apart that are one text together. The window's length is left out: vectors of both can be compared.
        string described = $"{settings.Pooling}/{settings.LowerCase}/{dimensions}/{settings.QueryPrefix.Length}/{settings.QueryPrefix}{settings.DocumentPrefix}";
        hash.AppendData(Encoding.UTF8.GetBytes(described));
        return $"{name}@{Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, DigestBytes))}";
    }
}
