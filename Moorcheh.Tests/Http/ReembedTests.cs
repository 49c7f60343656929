using System.Text.Json;
using Moorcheh.Artifacts;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>Embedding a namespace again over HTTP: a job as an upload is, and afterwards the answers of a namespace made freshly.</summary>
[CancelAfter(60_000)]
internal sealed class ReembedTests
{
    [Test]
    public async Task OtherModel_Reembed_AnswersAsMadeFreshly()
    {
        using var directory = new TemporaryDirectory();
        await using (TestServer server = await TestServer.StartAsync(Model(new TestEmbedder(model: "one")), directory: directory.Path))
        {
            await FillAsync(server.Api);
        }

        using var second = new TestEmbedder(48, model: "two");
        await using TestServer fresh = await TestServer.StartAsync(Model(second));
        await FillAsync(fresh.Api);
        await using TestServer restarted = await TestServer.StartAsync(Model(second), directory: directory.Path);
        ApiClient api = restarted.Api;
        (await api.PostAsync("/namespaces/docs/documents", """{"documents":[{"id":"b","text":"y"}]}""")).AssertError(
            409, "embedding-model-mismatch", "Namespace 'docs' was embedded with 'test/one' (32 values); the server now uses 'test/two' (48 values).");

        second.Block();
        ApiAnswer started = await api.PostAsync("/namespaces/docs/reembed", []);
        string id = started.AssertStatus(202).String("job_id")!;
        Assert.That(started.Text, Is.EqualTo(
            $$"""{"status":"success","message":"Re-embedding started. Poll job status for progress.","job_id":"{{id}}","namespace_name":"docs","total":3}"""));
        Assert.That(started.Headers.Location!.ToString(), Is.EqualTo($"/namespaces/docs/upload-jobs/{id}"));
        ApiAnswer twice = await api.PostAsync("/namespaces/docs/reembed", []);
        Assert.That(twice.AssertStatus(409).String("code"), Is.EqualTo("namespace-reembedding"));
        Assert.That(twice.String("message"), Is.EqualTo($"Namespace 'docs' is already being embedded again by job '{id}'."));
        Assert.That((twice.String("job_id"), twice.String("namespace_name")), Is.EqualTo((id, "docs")));
        JsonElement listed = (await api.GetAsync("/jobs?type=reembed"))["jobs"][0];
        Assert.That(listed.GetProperty("job_id").GetString(), Is.EqualTo(id));
        Assert.That(listed.GetProperty("type").GetString(), Is.EqualTo("reembed"));
        Assert.That(listed.GetProperty("total").GetInt32(), Is.EqualTo(3));
        Assert.That((await api.GetAsync("/jobs?type=upload"))["jobs"].EnumerateArray().All(job => job.GetProperty("type").GetString() == "upload"), Is.True);

        // Accepted, and carried out when the job has ended.
        ApiAnswer upload = await api.PostAsync("/namespaces/docs/documents", """{"documents":[{"id":"d","text":"a fourth text"}]}""");
        second.Release();
        ApiAnswer ended = await api.FinishAsync(started);
        Assert.That(
            (ended.String("status"), ended.Number("total"), ended.Number("processed"), ended.Number("successful"), ended.Number("failed"), ended.String("last_error")),
            Is.EqualTo(("completed", 3L, 3L, 3L, 0L, (string?)null)));
        Assert.That((await api.FinishAsync(upload)).Number("successful"), Is.EqualTo(1));
        await fresh.Api.UploadDocumentsAsync("docs", ("d", "a fourth text"));
        ApiAnswer job = await api.GetAsync($"/jobs/{id}");
        Assert.That(job["job"].GetProperty("errors").GetArrayLength(), Is.Zero);
        (await api.PostAsync($"/jobs/{id}/cancel", [])).AssertError(409, "job-finished", $"Job '{id}' is already completed.");
        foreach (string query in (string[])["the second text", "cat", "a fourth text"])
        {
            var body = new { query, namespaces = new[] { "docs" } };
            Assert.That(ResultsOf(await api.PostAsync("/search", body)), Is.EqualTo(ResultsOf(await fresh.Api.PostAsync("/search", body))));
        }
    }

    [Test]
    public async Task Cancel_LeavesTheNamespace()
    {
        using var embedder = new TestEmbedder();
        await using TestServer server = await TestServer.StartAsync(Model(embedder));
        ApiClient api = server.Api;
        await FillAsync(api);
        embedder.Block();
        ApiAnswer started = await api.PostAsync("/namespaces/docs/reembed", []);
        string id = started.String("job_id")!;
        JsonElement cancelled = (await api.PostAsync($"/jobs/{id}/cancel", [])).AssertStatus(200)["job"];
        Assert.That(cancelled.GetProperty("status").GetString(), Is.EqualTo("failed"));
        Assert.That(cancelled.GetProperty("cancelled").GetBoolean(), Is.True);
        embedder.Release();
        Assert.That((await api.PostAsync("/search", """{"query":"second","namespaces":["docs"]}""")).AssertStatus(200)["results"].GetArrayLength(), Is.EqualTo(3));
    }

    [Test]
    public async Task HiddenCollection_IsReachedByItsEncodedName()
    {
        using var embedder = new TestEmbedder();
        await using TestServer server = await TestServer.StartAsync(Model(embedder));
        await server.Store.Artifacts.IngestAsync(new ArtifactIngest("of 2026", "a", ArtifactInput.FromText("a text")));
        ApiAnswer started = await server.Api.PostAsync("/namespaces/of%202026/reembed", []);
        Assert.That((await server.Api.FinishAsync(started)).String("status"), Is.EqualTo("completed"));
        Assert.That(started.String("namespace_name"), Is.EqualTo("of 2026"));
    }

    [Test]
    public async Task Refusals()
    {
        await using TestServer server = await TestServer.StartAsync(host => host.Store.Embedding.Generator = null);
        await server.Api.CreateAsync("docs");
        await server.Api.CreateAsync("emb", 2);
        (await server.Api.PostAsync("/namespaces/absent/reembed", [])).AssertError(404, "namespace-not-found", "Namespace 'absent' not found.");
        (await server.Api.PostAsync("/namespaces/emb/reembed", [])).AssertError(
            400, "wrong-namespace-type", "Namespace 'emb' is a vector namespace; only texts can be embedded again.");
        (await server.Api.PostAsync("/namespaces/docs/reembed", [])).AssertError(
            502, "embedder-missing", "No embedding provider is configured; embedding texts again needs one.");
        (await server.Api.GetAsync("/namespaces/docs/reembed")).AssertStatus(405);
    }

    private static Action<MoorchehHostOptions> Model(TestEmbedder embedder) => host => host.Store.Embedding.Generator = embedder;

    private static Task<ApiAnswer> FillAsync(ApiClient api) => FillDocsAsync(api);

    private static async Task<ApiAnswer> FillDocsAsync(ApiClient api)
    {
        await api.CreateAsync("docs");
        return await api.UploadDocumentsAsync("docs", ("a", "the first text"), ("b", "the second text of a cat"), ("c", "another"));
    }

    private static string ResultsOf(ApiAnswer answer) => answer.AssertStatus(200)["results"].GetRawText();
}
