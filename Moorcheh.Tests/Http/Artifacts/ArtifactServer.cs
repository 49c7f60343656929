using System.Text.Json;
using Moorcheh.Documents;
using Moorcheh.Http;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http.Artifacts;

/// <summary>A server with both APIs.</summary>
internal static class ArtifactServer
{
    public static Task<TestServer> StartAsync(
        TestEmbedder? embedder = null, Action<MoorchehHttpOptions>? http = null, Action<MoorchehOptions>? store = null, string? directory = null, Action<MoorchehDocumentsOptions>? documents = null) => TestServer.StartAsync(
        host =>
        {
            host.Store.Embedding.Generator = embedder ?? new TestEmbedder();
            host.Store.Embedding.Attempts = 1;
            store?.Invoke(host.Store);
        },
        http,
        app =>
        {
            app.MapMoorcheh();
            app.MapMoorchehArtifacts();
            app.MapMoorchehFallback();
        },
        services => services.AddMoorchehDocuments(documents),
        directory);

    /// <summary>Asserts an answer byte for byte.</summary>
    public static ApiAnswer AssertIs(this ApiAnswer answer, int status, string body)
    {
        Assert.That((answer.Status, answer.Text), Is.EqualTo((status, body)));
        Assert.That(answer.ContentHeaders.ContentType?.ToString(), Is.EqualTo("application/json"));
        return answer;
    }

    /// <summary>Polls a task until it has ended.</summary>
    public static async Task<ApiAnswer> EndedAsync(this ApiClient api, string kind, ApiAnswer started)
    {
        Assert.That(started.Status, Is.EqualTo(200), started.Text);
        while (true)
        {
            ApiAnswer task = await api.GetAsync($"/v1/artifacts/{kind}/async/{started.String("task_id")}");
            Assert.That(task.Status, Is.EqualTo(200), task.Text);
            if (task.String("task_status") is not ("PENDING" or "STARTED"))
            {
                return task;
            }

            await Task.Delay(5, TestStore.Token);
        }
    }

    public static Task<ApiAnswer> IngestTextAsync(this ApiClient api, string collection, string artifact, string text) =>
        api.PostAsync("/v1/artifacts/ingest", new { artifact, collection, input = new { type = "text", value = text } });

    public static Task<ApiAnswer> StartIngestAsync(this ApiClient api, string collection, string artifact, string text) =>
        api.PostAsync("/v1/artifacts/ingest/async", new { ingest_body = new { artifact, collection, input = new { type = "text", value = text } } });

    public static Task<ApiAnswer> StartDeleteAsync(this ApiClient api, string collection, string artifact) =>
        api.PostAsync("/v1/artifacts/delete/async", new { delete_body = new { collection, artifact } });

    public static async Task<string[]> ListArtifactsAsync(this ApiClient api, string collection) =>
    [
        .. (await api.GetAsync($"/v1/artifacts/list?collection={Uri.EscapeDataString(collection)}"))["data"].EnumerateArray()
            .Select(document => document.GetProperty("artifact").GetString()!),
    ];

    public static async Task<int> CountHitsAsync(this ApiClient api, string collection, string query)
    {
        ApiAnswer found = await api.PostAsync("/search", new { namespaces = new[] { collection }, query, top_k = 100 });
        return found.Status == 200 ? found["results"].GetArrayLength() : -1;
    }

    public static string Document(this ApiAnswer answer) => answer["data"].EnumerateArray().Single().GetRawText();

    public static JsonElement Metadata(this ApiAnswer answer) => answer["data"].EnumerateArray().Single().GetProperty("doc_metadata");
}
