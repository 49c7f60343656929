using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Moorcheh.Tests.Embeddings;

/// <summary>A text with the vector of the published float32 model. 'dotnet run -- FOLDER reference' in eng/model-conversion wrote them.</summary>
internal sealed record ReferenceText(string Text, string Role, float[] Vector)
{
    public static IReadOnlyList<ReferenceText> All { get; } = Read();

    /// <summary>Options that say what a text is for.</summary>
    public static EmbeddingGenerationOptions As(string role) => new() { AdditionalProperties = new() { ["input_type"] = role } };

    private static ReferenceText[] Read()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Data", "Embeddings", "reference.json");
        return JsonSerializer.Deserialize<ReferenceText[]>(File.ReadAllText(path), JsonSerializerOptions.Web)!;
    }
}
