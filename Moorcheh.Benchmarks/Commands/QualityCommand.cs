using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Moorcheh.Benchmarks.Data;
using Moorcheh.Embeddings;

namespace Moorcheh.Benchmarks.Commands;

/// <summary>
/// <c>quality --corpus DIR [--model DIR]</c>: uploads a labelled collection in the layout of BEIR, searches the best 100 for each query
/// that has a judgement, and prints how good the rankings are. One thread searches and embeds.
/// </summary>
internal static class QualityCommand
{
    private const string Namespace = "quality";
    private const int UploadBatch = 500;
    private const int Depth = 100;

    public static Command Create()
    {
        var corpus = new Option<DirectoryInfo>("--corpus") { Description = "Folder in the layout of BEIR.", Required = true }.AcceptExistingOnly();
        var model = new Option<DirectoryInfo>("--model") { Description = "Folder of a model; the built-in one without it." }.AcceptExistingOnly();
        var command = new Command("quality", "Measures how good text search is.") { corpus, model };
        command.SetAction((parsed, token) => RunAsync(parsed.GetRequiredValue(corpus), parsed.GetValue(model), token));
        return command;
    }

    private static async Task<int> RunAsync(DirectoryInfo corpus, DirectoryInfo? model, CancellationToken token)
    {
        BeirCorpus read = BeirCorpus.Read(corpus.FullName);
        var options = new OnnxEmbeddingOptions { Threads = 1 };
        using OnnxEmbeddingGenerator embedder = model is null
            ? OnnxEmbeddingGenerator.CreateBuiltIn(options)
            : OnnxEmbeddingGenerator.Load(model.FullName, options);
        string directory = Path.Combine(Path.GetTempPath(), "moorcheh-quality-" + Guid.NewGuid().ToString("N"));
        var storeOptions = new MoorchehOptions();
        storeOptions.Limits.MaxItems = 0;
        storeOptions.Embedding.Generator = embedder;
        try
        {
            await using MoorchehStore store = await MoorchehStore.OpenAsync(directory, storeOptions, token);
            await store.CreateNamespaceAsync(Namespace, NamespaceKind.Text, cancellationToken: token);
            double textsPerSecond = await UploadAsync(store, read, token);
            await MeasureAsync(store, read, corpus.Name, model?.Name ?? "built-in", textsPerSecond, token);
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<double> UploadAsync(MoorchehStore store, BeirCorpus corpus, CancellationToken token)
    {
        var clock = Stopwatch.StartNew();
        foreach (KeyValuePair<string, string>[] batch in corpus.Documents.Chunk(UploadBatch))
        {
            Job<UploadJobStatus> job = await store.UploadDocumentsAsync(Namespace, [.. batch.Select(document => new Document(document.Key, document.Value))], token);
            UploadJobStatus ended = await job.WaitAsync(token);
            if (ended.Successful != batch.Length)
                throw new InvalidOperationException($"Upload {job.Id} stored {ended.Successful} of {batch.Length} documents: {ended.LastError}");
        }

        return corpus.Documents.Count / clock.Elapsed.TotalSeconds;
    }

    private static async Task MeasureAsync(
        MoorchehStore store, BeirCorpus corpus, string name, string model, double textsPerSecond, CancellationToken token)
    {
        List<double> ndcg = [];
        List<double> recall = [];
        List<double> reciprocal = [];
        List<double> milliseconds = [];
        foreach ((string id, string text) in corpus.Queries)
        {
            long start = Stopwatch.GetTimestamp();
            SearchResult found = await store.SearchAsync(new SearchRequest(Namespace, text) { TopK = Depth }, token);
            milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            string[] ranking = [.. found.Hits.Select(hit => hit.Id)];
            Dictionary<string, int> grades = corpus.Judgements[id];
            ndcg.Add(RetrievalMetrics.Ndcg(ranking, grades, 10));
            recall.Add(RetrievalMetrics.Recall(ranking, grades, Depth));
            reciprocal.Add(RetrievalMetrics.ReciprocalRank(ranking, grades));
        }

        milliseconds.Sort();
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            command = "quality",
            corpus = name,
            model,
            mode = "semantic",
            documents = corpus.Documents.Count,
            queries = corpus.Queries.Count,
            ndcg10 = Math.Round(ndcg.Average(), 4),
            recall100 = Math.Round(recall.Average(), 4),
            mrr = Math.Round(reciprocal.Average(), 4),
            textsPerSecond = Math.Round(textsPerSecond, 1),
            p50Ms = Math.Round(milliseconds[milliseconds.Count / 2], 2),
        }));
    }
}
