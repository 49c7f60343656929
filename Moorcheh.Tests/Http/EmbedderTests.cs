using System.Text.Json;
using Moorcheh.Embeddings;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>Steps 27 and 29 of the acceptance sequence, and the built-in model.</summary>
[CancelAfter(60_000)]
public class EmbedderTests
{
    [Test]
    public async Task Step27_WithoutEmbedder_TextFailsAndVectorsWork()
    {
        await using TestServer server = await TestServer.StartAsync(host => host.Store.Embedding.Generator = null);
        ApiClient api = server.Api;
        await api.CreateAsync("docs");
        await api.CreateAsync("emb", 2);

        ApiAnswer job = await api.UploadDocumentsAsync("docs", ("a", "x"), ("b", "y"));

        Assert.That((job.String("status"), job.Number("total"), job.Number("successful"), job.Number("failed")), Is.EqualTo(("completed", 2L, 0L, 2L)));
        Assert.That(job.String("last_error"), Is.EqualTo("Document 1 ('b'): no embedding provider is configured."));
        (await api.PostAsync("/search", """{"query":"x","namespaces":["docs"]}""")).AssertError(
            400, "embedder-missing", "No embedding provider is configured; text queries need one.", "error");
        Assert.That((await api.UploadVectorsAsync("emb", ("a", [1, 0]))).Number("successful"), Is.EqualTo(1));
        ApiAnswer found = await api.PostAsync("/search", """{"query":[1,0],"namespaces":["emb"]}""");
        Assert.That(found["results"].GetArrayLength(), Is.EqualTo(1));
    }

    [Test]
    public async Task Step29_OtherModelAfterRestart_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        await using (TestServer server = await TestServer.StartAsync(Model("one"), directory: directory.Path))
        {
            await server.Api.CreateAsync("docs");
            await server.Api.UploadDocumentsAsync("docs", ("a", "x"));
        }

        await using TestServer restarted = await TestServer.StartAsync(Model("two"), directory: directory.Path);
        const string Message = "Namespace 'docs' was embedded with 'test/one' (32 values); the server now uses 'test/two' (32 values).";
        (await restarted.Api.PostAsync("/namespaces/docs/documents", """{"documents":[{"id":"b","text":"y"}]}""")).AssertError(
            409, "embedding-model-mismatch", Message);
        (await restarted.Api.PostAsync("/search", """{"query":"x","namespaces":["docs"]}""")).AssertError(
            400, "embedding-model-mismatch", Message, "error");

        static Action<MoorchehHostOptions> Model(string model) => host => host.Store.Embedding.Generator = new TestEmbedder(model: model);
    }

    [Test]
    public async Task BuiltInModel_Search_FindsByMeaning()
    {
        using var embedder = OnnxEmbeddingGenerator.CreateBuiltIn();
        await using TestServer server = await TestServer.StartAsync(host => host.Store.Embedding.Generator = embedder);
        ApiClient api = server.Api;
        await api.CreateAsync("notes");
        await api.UploadDocumentsAsync(
            "notes",
            ("1", "The cat sleeps on the warm windowsill."),
            ("2", "Interest rates rose again this quarter."),
            ("3", "A bicycle needs oil on its chain."));

        ApiAnswer found = await api.PostAsync("/search", """{"query":"Where is my pet?","namespaces":["notes"],"top_k":1}""");

        JsonElement hit = found.AssertStatus(200)["results"][0];
        Assert.That(hit.GetProperty("id").GetString(), Is.EqualTo("1"));
        ApiAnswer health = await api.GetAsync("/health");
        Assert.That((health.String("embedding_provider"), health.String("model")), Is.EqualTo(("onnx", "snowflake-arctic-embed-xs")));
    }
}
