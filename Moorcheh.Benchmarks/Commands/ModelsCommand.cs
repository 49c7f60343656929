using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Numerics.Tensors;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Moorcheh.Benchmarks.Data;
using Moorcheh.Embeddings;

namespace Moorcheh.Benchmarks.Commands;

/// <summary>
/// <c>models --model DIR --corpus DIR [--texts N]</c>: the built-in model beside another one, usually the float32 file that it was made of, in one
/// run: texts a second, the time of one query, and the cosines of their vectors. One thread. The texts are cut from a corpus and made
/// different: whole, a few words, a list with line ends, capitals, two together.
/// </summary>
internal static class ModelsCommand
{
    private const int Batch = 64;
    private const int QueryCount = 200;

    public static Command Create()
    {
        var model = new Option<DirectoryInfo>("--model") { Description = "Folder of the model to compare with.", Required = true }.AcceptExistingOnly();
        var corpus = new Option<DirectoryInfo>("--corpus") { Description = "Folder in the layout of BEIR.", Required = true }.AcceptExistingOnly();
        var texts = new Option<int>("--texts") { Description = "Texts to embed.", DefaultValueFactory = _ => 1_000 };
        var command = new Command("models", "Compares the built-in model with another one.") { model, corpus, texts };
        command.SetAction((parsed, token) =>
            RunAsync(parsed.GetRequiredValue(model).FullName, parsed.GetRequiredValue(corpus).FullName, parsed.GetValue(texts), token));
        return command;
    }

    private static async Task<int> RunAsync(string model, string corpus, int count, CancellationToken token)
    {
        BeirCorpus read = BeirCorpus.Read(corpus);
        string[] documents = [.. read.Documents.Select(document => document.Value)];
        string[] texts = [.. Enumerable.Range(0, count).Select(i => Vary(documents, i))];
        string[] queries = [.. read.Queries.Select(query => query.Value).Take(QueryCount)];
        var options = new OnnxEmbeddingOptions { Threads = 1 };

        long before = Environment.WorkingSet;
        var clock = Stopwatch.StartNew();
        using OnnxEmbeddingGenerator builtIn = OnnxEmbeddingGenerator.CreateBuiltIn(options);
        double loadMs = clock.Elapsed.TotalMilliseconds;
        Measured ours = await MeasureAsync("built-in", builtIn, texts, queries, loadMs, before, token);
        before = Environment.WorkingSet;
        clock.Restart();
        using OnnxEmbeddingGenerator other = OnnxEmbeddingGenerator.Load(model, options);
        Measured theirs = await MeasureAsync(Path.GetFileName(model), other, texts, queries, clock.Elapsed.TotalMilliseconds, before, token);

        double[] cosines = [.. ours.Vectors.Zip(theirs.Vectors, (left, right) => (double)TensorPrimitives.CosineSimilarity(left.Span, right.Span)).Order()];
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            command = "models",
            texts = count,
            cosineLeast = Math.Round(cosines[0], 5),
            cosineP01 = Math.Round(cosines[count / 100], 5),
            cosineMean = Math.Round(cosines.Average(), 5),
            timesTextsPerSecond = Math.Round(ours.TextsPerSecond / theirs.TextsPerSecond, 2),
            timesTextsPerCpuSecond = Math.Round(ours.TextsPerCpuSecond / theirs.TextsPerCpuSecond, 2),
        }));
        return 0;
    }

    private static async Task<Measured> MeasureAsync(
        string name, OnnxEmbeddingGenerator generator, string[] texts, string[] queries, double loadMs, long before, CancellationToken token)
    {
        EmbeddingGenerationOptions asQuery = new() { AdditionalProperties = new() { [EmbeddingOptions.InputTypeProperty] = "query" } };
        await generator.GenerateAsync(queries.Take(20), asQuery, token);

        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        List<ReadOnlyMemory<float>> vectors = [];
        foreach (string[] batch in texts.Chunk(Batch))
            vectors.AddRange((await generator.GenerateAsync(batch, null, token)).Select(embedding => embedding.Vector));
        double seconds = clock.Elapsed.TotalSeconds;
        double cpuSeconds = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds;

        List<double> milliseconds = [];
        foreach (string query in queries)
        {
            clock.Restart();
            await generator.GenerateAsync([query], asQuery, token);
            milliseconds.Add(clock.Elapsed.TotalMilliseconds);
        }

        milliseconds.Sort();
        var measured = new Measured(vectors, texts.Length / seconds, texts.Length / cpuSeconds);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            command = "models",
            model = name,
            texts = texts.Length,
            textsPerSecond = Math.Round(measured.TextsPerSecond, 1),
            textsPerCpuSecond = Math.Round(measured.TextsPerCpuSecond, 1),
            queryP50Ms = Math.Round(milliseconds[milliseconds.Count / 2], 2),
            loadMs = Math.Round(loadMs),
            workingSetMiB = Math.Round((Environment.WorkingSet - before) / 1048576.0),
        }));
        return measured;
    }

    private static string Vary(string[] documents, int index)
    {
        string text = documents[index % documents.Length];
        return (index % 5) switch
        {
            1 => string.Join(' ', text.Split(' ').Take(3 + (index % 17))),
            2 => text.Replace(" . ", ".\n\t- ", StringComparison.Ordinal),
            3 => text[..(text.Length / 2)].ToUpper(CultureInfo.InvariantCulture) + " (No. " + index.ToString(CultureInfo.InvariantCulture) + ", 12.5 %)",
            4 => text + "\n\n" + documents[(index * 7) % documents.Length],
            _ => text,
        };
    }

    private sealed record Measured(List<ReadOnlyMemory<float>> Vectors, double TextsPerSecond, double TextsPerCpuSecond);
}
