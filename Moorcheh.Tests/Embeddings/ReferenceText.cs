using System.Text.Json;

namespace Moorcheh.Tests.Embeddings;

/// <summary>A text with the token ids and the vector that the original implementation of the built-in model gives.</summary>
internal sealed record ReferenceText(string Text, int[] TokenIds, float[] Embedding)
{
    public static IReadOnlyList<ReferenceText> All { get; } = Read();

    private static ReferenceText[] Read()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Data", "Embeddings", "reference.json");
        return JsonSerializer.Deserialize<ReferenceText[]>(File.ReadAllText(path), JsonSerializerOptions.Web)!;
    }
}
