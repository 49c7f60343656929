using System.ClientModel;
using OpenAI;
using OpenAI.Embeddings;

namespace Moorcheh.Sidecar.Providers;

/// <summary>
/// Puts the vectors of an answer into the order of their texts. The API numbers them, the library ignores the numbers, and not every server that
/// speaks the API keeps the order.
/// </summary>
internal sealed class OrderedEmbeddingClient(string model, ApiKeyCredential credential, OpenAIClientOptions options)
    : EmbeddingClient(model, credential, options)
{
    public override async Task<ClientResult<OpenAIEmbeddingCollection>> GenerateEmbeddingsAsync(
        IEnumerable<string> inputs, EmbeddingGenerationOptions options, CancellationToken cancellationToken = default)
    {
        ClientResult<OpenAIEmbeddingCollection> result = await base.GenerateEmbeddingsAsync(inputs, options, cancellationToken);
        OpenAIEmbeddingCollection vectors = result.Value;
        OpenAIEmbedding[] ordered = [.. vectors.OrderBy(vector => vector.Index)];
        for (int i = 0; i < ordered.Length; i++)
        {
            if (ordered[i].Index != i)
            {
                // Servers that do not number them give zero to all.
                return ordered[^1].Index == 0
                    ? result
                    : throw new InvalidDataException($"its vectors are numbered from {ordered[0].Index} to {ordered[^1].Index}, but there are {ordered.Length}");
            }
        }

        return ClientResult.FromValue(OpenAIEmbeddingsModelFactory.OpenAIEmbeddingCollection(ordered, vectors.Model, vectors.Usage), result.GetRawResponse());
    }
}
