using System.Globalization;
using Microsoft.Extensions.AI;

namespace Moorcheh.Benchmarks.Data;

/// <summary>
/// Texts of words that are distributed as in natural language (the word of rank r with a probability of about 1/r), and queries of some words of one of the texts;
/// their vectors are those of a <see cref="VectorSet"/>, whatever they say.
/// </summary>
internal sealed class TextSet : IEmbeddingGenerator<string, Embedding<float>>
{
    private const int LeastWords = 60;
    private const int MostWords = 200;

    private readonly Dictionary<string, ReadOnlyMemory<float>> _vectors = new(StringComparer.Ordinal);
    private readonly EmbeddingGeneratorMetadata _metadata;

    public TextSet(VectorSet vectors, int vocabulary, int queryWords, int seed)
    {
        var random = new Random(seed);
        Texts = new string[vectors.Count];
        for (int i = 0; i < Texts.Length; i++)
        {
            // The first word is the text's own: no two texts are alike.
            int words = random.Next(LeastWords, MostWords + 1);
            Texts[i] = $"t{i} " + string.Join(' ', Enumerable.Range(1, words - 1).Select(_ => Word(random, vocabulary)));
            _vectors.Add(Texts[i], vectors.Row(i));
        }

        Queries = new string[vectors.Queries];
        for (int q = 0; q < Queries.Length; q++)
        {
            string[] words = Texts[random.Next(Texts.Length)].Split(' ');
            Queries[q] = string.Join(' ', Enumerable.Range(0, queryWords).Select(_ => words[random.Next(1, words.Length)])) + " q" + q;
            _vectors.Add(Queries[q], vectors.Query(q));
        }

        _metadata = new EmbeddingGeneratorMetadata("benchmark", defaultModelId: "table", defaultModelDimensions: vectors.Dimension);
    }

    public string[] Texts { get; }

    public string[] Queries { get; }

    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(values.Select(text => new Embedding<float>(_vectors[text]))));

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private static string Word(Random random, int vocabulary) =>
        string.Create(CultureInfo.InvariantCulture, $"w{(int)Math.Exp(random.NextDouble() * Math.Log(vocabulary))}");
}
