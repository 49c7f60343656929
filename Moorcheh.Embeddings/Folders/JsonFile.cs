using System.Text.Json;
using System.Text.Json.Nodes;

namespace Moorcheh.Embeddings.Folders;

/// <summary>A JSON file of a model folder.</summary>
internal static class JsonFile
{
    /// <summary>Reads a file with a function; null where there is no such file.</summary>
    /// <exception cref="InvalidDataException">It is no JSON, or a value has another type than the function takes.</exception>
    public static T? Read<T>(string path, Func<JsonNode, T?> read)
    {
        if (!File.Exists(path))
            return default;
        try
        {
            return JsonNode.Parse(File.ReadAllBytes(path)) is { } root ? read(root) : default;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or KeyNotFoundException
            or NullReferenceException or ArgumentException)
        {
            throw new InvalidDataException($"'{path}' cannot be read: {exception.Message}", exception);
        }
    }
}
