using System.Text.Json;
using Microsoft.Extensions.AI;
using Moorcheh.Embeddings;

namespace Moorcheh.ModelConversion;

/// <summary>Vectors of the published float32 file, for the tests of the one that is shipped.</summary>
internal static class ReferenceVectors
{
    private static readonly string[] Queries = ["what is snowflake?", "Where can I get the best tacos?", "how do vaccines work", "C++ or C#"];

    // The first two with the first two queries are the example of the model's own page.
    private static readonly string[] Documents =
    [
        "The Data Cloud!",
        "Mexico City of Course!",
        "The quick brown fox jumps over the lazy dog.",
        "A vaccine trains the immune system to recognize a pathogen, without the illness.",
        "flour\n\teggs\r\nmilk\u00a0and 250 g of butter",
        "Crème brûlée à la Ångström, naïve façade, cafe\u0301",
        "Ｆｕｌｌ width, ﬁne ligatures and 日本語のテキスト",
        "a",
        "",
        "int main(void) { return x->y[3] << 2; } // C, not C++",
        "Order 4711: 12 x EUR 19.90 = EUR 238.80 (incl. 19% VAT), due 2024-02-29",
        "ΑΘΗΝΑ, Москва and İstanbul are cities.",
        string.Join(' ', Enumerable.Repeat("Sail ships crossed the ocean with spices, and the crew kept a log of wind and weather.", 20)),
    ];

    public static async Task<byte[]> ComputeAsync(PublishedModel published)
    {
        string folder = Directory.CreateTempSubdirectory("moorcheh-float32-").FullName;
        try
        {
            await File.WriteAllBytesAsync(Path.Combine(folder, "model.onnx"), published.Onnx);
            await File.WriteAllBytesAsync(Path.Combine(folder, "vocab.txt"), published.Vocabulary);
            var settings = new OnnxEmbeddingOptions
            {
                Pooling = OnnxPooling.Cls,
                MaxTokens = 512,
                QueryPrefix = "Represent this sentence for searching relevant passages: ",
            };
            using OnnxEmbeddingGenerator generator = OnnxEmbeddingGenerator.Load(folder, settings);
            var vectors = new List<object>();
            foreach ((string role, string[] texts) in new[] { ("query", Queries), ("document", Documents) })
            {
                foreach (string text in texts)
                {
                    var options = new EmbeddingGenerationOptions { AdditionalProperties = new() { ["input_type"] = role } };
                    GeneratedEmbeddings<Embedding<float>> made = await generator.GenerateAsync([text], options);
                    vectors.Add(new { text, role, vector = made[0].Vector.ToArray().Select(value => MathF.Round(value, 6)) });
                }
            }
            return [.. JsonSerializer.SerializeToUtf8Bytes(vectors), (byte)'\n'];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
