using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Moorcheh.Embeddings;
using Moorcheh.Http;

namespace Moorcheh.Benchmarks.Commands;

/// <summary>
/// <c>ingest --count N --dim D [--batch B] [--http] [--text]</c>: uploads random vectors, or short texts for the built-in model, through the
/// library or over HTTP on loopback, and prints how many a second were accepted, stored and searchable, in ten equal parts.
/// </summary>
internal static class IngestCommand
{
    private const string Namespace = "ingest";

    private static readonly string[] Words =
        ("the river house old market quiet winter train garden letter morning city small window music bread road doctor paper "
        + "summer child light stone bridge story teacher night water green table silver engine field coffee island friend voice").Split(' ');

    public static Command Create()
    {
        var count = new Option<int>("--count") { Description = "Items to upload.", DefaultValueFactory = _ => 100_000 };
        var dimension = new Option<int>("--dim") { Description = "Values per vector.", DefaultValueFactory = _ => 512 };
        var batch = new Option<int>("--batch") { Description = "Items per upload.", DefaultValueFactory = _ => 5_000 };
        var seed = new Option<int>("--seed") { Description = "Seed of the items.", DefaultValueFactory = _ => 1 };
        var http = new Option<bool>("--http") { Description = "Upload JSON over HTTP on loopback, client and server in this process." };
        var text = new Option<bool>("--text") { Description = "Upload texts of 11 words, embedded with the built-in model, instead of vectors." };
        var command = new Command("ingest", "Uploads items.") { count, dimension, batch, seed, http, text };
        command.SetAction((parsed, token) => RunAsync(
            parsed.GetValue(count),
            parsed.GetValue(dimension),
            parsed.GetValue(batch),
            parsed.GetValue(seed),
            parsed.GetValue(http),
            parsed.GetValue(text),
            token));
        return command;
    }

    private static async Task<int> RunAsync(int count, int dimension, int batch, int seed, bool http, bool text, CancellationToken token)
    {
        string directory = Path.Combine(Path.GetTempPath(), "moorcheh-ingest-" + Guid.NewGuid().ToString("N"));
        using OnnxEmbeddingGenerator? embedder = text ? OnnxEmbeddingGenerator.CreateBuiltIn() : null;
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddMoorcheh(host =>
        {
            host.DataDirectory = directory;
            host.Store.Limits.MaxItems = 0;
            host.Store.Embedding.Generator = embedder;
        });
        try
        {
            await using (WebApplication app = builder.Build())
            {
                app.MapMoorcheh();
                await app.StartAsync(token);
                MoorchehStore store = app.Services.GetRequiredService<MoorchehStore>();
                await store.CreateNamespaceAsync(Namespace, text ? NamespaceKind.Text : NamespaceKind.Vector, text ? null : dimension, token);
                using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
                await MeasureAsync(store, http ? client : null, count, dimension, batch, seed, text, token);
            }

            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task MeasureAsync(
        MoorchehStore store, HttpClient? client, int count, int dimension, int batch, int seed, bool text, CancellationToken token)
    {
        // The items of one batch are made before the clock starts and uploaded again and again under new ids.
        var random = new Random(seed);
        float[][] vectors = text
            ? []
            : [.. Enumerable.Range(0, batch).Select(_ => Enumerable.Range(0, dimension).Select(_ => (random.NextSingle() * 2) - 1).ToArray())];
        string[] texts = text ? [.. Enumerable.Range(0, batch).Select(_ => string.Join(' ', random.GetItems(Words, 11)))] : [];
        string[] json = client is null ? [] : [.. Enumerable.Range(0, batch).Select(i => text ? JsonSerializer.Serialize(texts[i]) : Json(vectors[i]))];

        var clock = Stopwatch.StartNew();
        List<double> parts = [];
        double partStart = 0;
        int part = Math.Max(batch, count / 10);
        double acceptSeconds = 0;
        for (int done = 0; done < count;)
        {
            int size = Math.Min(batch, count - done);
            double before = clock.Elapsed.TotalSeconds;
            string job;
            if (client is not null)
            {
                job = await PostAsync(client, text, json, done, size, token);
            }
            else if (text)
            {
                job = (await store.UploadDocumentsAsync(
                    Namespace, [.. Enumerable.Range(0, size).Select(i => new Document($"item-{done + i}", texts[i]))], token)).Id;
            }
            else
            {
                job = (await store.UploadVectorsAsync(
                    Namespace, [.. Enumerable.Range(0, size).Select(i => new VectorItem($"item-{done + i}", vectors[i].AsMemory()))], token)).Id;
            }

            acceptSeconds += clock.Elapsed.TotalSeconds - before;
            done += size;
            if (done % part == 0 || done == count)
            {
                // A part is over when its last upload is stored and searchable, so that parts do not borrow from the queue.
                await store.Jobs.WaitAsync(job, token);
                parts.Add(clock.Elapsed.TotalSeconds - partStart);
                partStart = clock.Elapsed.TotalSeconds;
                await Console.Error.WriteLineAsync($"{done} of {count}: {part / parts[^1]:F0} items/s");
            }
        }

        double total = clock.Elapsed.TotalSeconds;
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            command = "ingest",
            items = text ? "texts" : "vectors",
            over = client is null ? "library" : "http",
            count,
            dim = text ? 384 : dimension,
            batch,
            seed,
            itemsPerSecond = Math.Round(count / total),
            acceptedPerSecond = Math.Round(count / acceptSeconds),
            partItemsPerSecond = parts.Select(seconds => Math.Round(part / seconds)),
            lastToFirst = Math.Round(parts[^1] / parts[0], 3),
            residentBytes = Environment.WorkingSet,
            allocatedBytesPerItem = GC.GetTotalAllocatedBytes() / count,
        }));
    }

    private static async Task<string> PostAsync(HttpClient client, bool text, string[] json, int done, int size, CancellationToken token)
    {
        var body = new StringBuilder(text ? "{\"documents\":[" : "{\"vectors\":[");
        for (int i = 0; i < size; i++)
        {
            body.Append(i == 0 ? string.Empty : ",");
            body.Append(CultureInfo.InvariantCulture, $"{{\"id\":\"item-{done + i}\",\"{(text ? "text" : "vector")}\":{json[i]}}}");
        }

        body.Append("]}");
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body.ToString()));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using HttpResponseMessage answer = await client.PostAsync(
            new Uri($"/namespaces/{Namespace}/{(text ? "documents" : "vectors")}", UriKind.Relative), content, token);
        answer.EnsureSuccessStatusCode();
        using JsonDocument parsed = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(token));
        return parsed.RootElement.GetProperty("job_id").GetString()!;
    }

    private static string Json(float[] vector) =>
        "[" + string.Join(',', vector.Select(value => value.ToString("R", CultureInfo.InvariantCulture))) + "]";
}
