using System.Net.Http.Headers;
using System.Text.Json;

namespace Moorcheh.Sidecar.Providers;

/// <summary>
/// Puts the vectors of an answer into the order of their texts. The API of OpenAI numbers them, its library ignores the numbers, and
/// not every server that speaks the API keeps the order.
/// </summary>
internal sealed class AnswerOrder(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await base.SendAsync(request, cancellationToken);
        byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        if (Sort(body) is { } sorted)
        {
            response.Content = new ByteArrayContent(sorted) { Headers = { ContentType = Json } };
        }

        return response;
    }

    /// <summary>The answer with its vectors in order; null when they are, or when it is none that could be put in order.</summary>
    private static byte[]? Sort(byte[] body)
    {
        try
        {
            using var answer = JsonDocument.Parse(body);
            if (answer.RootElement.ValueKind != JsonValueKind.Object || !answer.RootElement.TryGetProperty("data", out JsonElement data)
                || data.ValueKind != JsonValueKind.Array)
            {
                return null;
            }

            JsonElement[] vectors = [.. data.EnumerateArray()];
            int[] numbers = [.. vectors.Select(NumberOf)];

            // Servers that do not number them give none, or zero to all.
            if (numbers.SequenceEqual(Enumerable.Range(0, numbers.Length)) || numbers.All(number => number == numbers[0]))
            {
                return null;
            }

            Array.Sort(numbers, vectors);
            return numbers.SequenceEqual(Enumerable.Range(0, numbers.Length))
                ? JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, JsonElement[]> { ["data"] = vectors })
                : throw new InvalidDataException($"its {numbers.Length} vectors are not numbered from 0 to {numbers.Length - 1}");
        }
        catch (JsonException)
        {
            return null; // The library says what is wrong.
        }
    }

    private static int NumberOf(JsonElement vector) =>
        vector.ValueKind == JsonValueKind.Object && vector.TryGetProperty("index", out JsonElement index)
        && index.ValueKind == JsonValueKind.Number && index.TryGetInt32(out int number) ? number : -1;
}
