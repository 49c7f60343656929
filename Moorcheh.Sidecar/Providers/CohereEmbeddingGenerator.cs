using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;

namespace Moorcheh.Sidecar.Providers;

/// <summary>A client of <c>POST /v2/embed</c>, for which there is no library.</summary>
internal sealed class CohereEmbeddingGenerator(HttpClient http, Uri baseUrl, string model) : IEmbeddingGenerator<string, Embedding<float>>
{
    /// <summary>Most texts that the service takes in one request.</summary>
    public const int MaxTexts = 96;

    private static readonly string[] Floats = ["float"];

    private readonly Uri _address = new(baseUrl, "v2/embed");

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        string inputType = EmbeddingRole.IsQuery(options) ? "search_query" : "search_document";
        GeneratedEmbeddings<Embedding<float>> embeddings = [];
        foreach (string[] texts in values.Chunk(MaxTexts))
        {
            var request = new CohereRequest(model, inputType, Floats, texts, options?.Dimensions);
            using HttpResponseMessage response = await http.PostAsJsonAsync(
                _address, request, CohereJson.Default.CohereRequest, cancellationToken);
            CohereAnswer? answer = await response.Content.ReadFromJsonAsync(CohereJson.Default.CohereAnswer, cancellationToken);
            float[][] vectors = answer?.Embeddings?.Float ?? throw new InvalidDataException("it has no 'embeddings.float'");

            // Here and not only at the end, since one too few and one too many would move the vectors between them to other texts.
            if (vectors.Length != texts.Length)
            {
                throw new InvalidDataException($"it has {vectors.Length} vectors for {texts.Length} texts");
            }

            embeddings.AddRange(vectors.Select(vector => new Embedding<float>(vector ?? [])));
        }

        return embeddings;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose() => http.Dispose();
}

internal sealed record CohereRequest(
    [property: JsonPropertyName("model")] string Model,
    [property: JsonPropertyName("input_type")] string InputType,
    [property: JsonPropertyName("embedding_types")] string[] EmbeddingTypes,
    [property: JsonPropertyName("texts")] string[] Texts,
    [property: JsonPropertyName("output_dimension"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? OutputDimension);

internal sealed record CohereAnswer([property: JsonPropertyName("embeddings")] CohereVectors? Embeddings);

internal sealed record CohereVectors([property: JsonPropertyName("float")] float[][]? Float);

[JsonSerializable(typeof(CohereRequest))]
[JsonSerializable(typeof(CohereAnswer))]
internal sealed partial class CohereJson : JsonSerializerContext;
