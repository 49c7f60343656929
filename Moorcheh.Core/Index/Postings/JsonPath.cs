using System.Text.Json;

namespace Moorcheh.Index.Postings;

/// <summary>Finds keys of metadata by name.</summary>
internal static class JsonPath
{
    /// <summary>
    /// The value of a key. Where no key has the whole name, the part before its first dot names an object, and the rest a key of that.
    /// </summary>
    public static bool TryFind(JsonElement metadata, ReadOnlySpan<char> path, out JsonElement value)
    {
        while (!metadata.TryGetProperty(path, out value))
        {
            int dot = path.IndexOf('.');
            if (dot < 0 || !metadata.TryGetProperty(path[..dot], out metadata) || metadata.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            path = path[(dot + 1)..];
        }

        return true;
    }
}
