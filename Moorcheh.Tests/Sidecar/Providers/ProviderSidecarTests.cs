using System.Text;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Sidecar.Providers;

/// <summary>The sidecar with a provider: uploads, searches, and what users read when the provider does not do its part.</summary>
[CancelAfter(60_000)]
internal sealed class ProviderSidecarTests : ProviderFixture
{
    private static readonly (string, string)[] Texts = [("fox", "the red fox runs"), ("frog", "a green frog sits"), ("whale", "blue whales sing")];

    [Test]
    public async Task Search_FindsWhatTheProviderEmbedded([ValueSource(nameof(Names))] string provider)
    {
        await using SidecarInProcess sidecar = await SidecarInProcess.StartAsync(
            Arguments(provider, "--embedding-query-prefix", "Q ", "--embedding-document-prefix", "D "));
        await sidecar.Api.CreateAsync("docs");
        ApiAnswer job = await sidecar.Api.UploadDocumentsAsync("docs", Texts);

        ApiAnswer found = await sidecar.Api.PostAsync("/search", """{"query":"green frog","namespaces":["docs"],"top_k":1}""");

        Assert.That((job.Number("successful"), job.Number("failed")), Is.EqualTo((3L, 0L)));
        Assert.That(found["results"][0].GetProperty("id").GetString(), Is.EqualTo("frog"));
        Assert.That(
            Server.Requests.SelectMany(request => request.Texts),
            Is.EqualTo(new[] { "D the red fox runs", "D a green frog sits", "D blue whales sing", "Q green frog" }));
        ApiAnswer health = await sidecar.Api.GetAsync("/health");
        Assert.That((health.String("embedding_provider"), health.String("model")), Is.EqualTo((provider, "m")));
        System.Text.Json.JsonElement bound = (await sidecar.Api.GetAsync("/namespaces/docs"))["namespace"];
        Assert.That(bound.GetProperty("embedding_provider").GetString(), Is.EqualTo(provider));
        Assert.That(bound.GetProperty("embedding_dimension").GetInt32(), Is.EqualTo(FakeProvider.Dimension));
    }

    [Test]
    public async Task Search_ProviderFails_SaysWhy()
    {
        await using SidecarInProcess sidecar = await SidecarInProcess.StartAsync(Arguments("ollama"));
        await sidecar.Api.CreateAsync("docs");
        await sidecar.Api.UploadDocumentsAsync("docs", Texts);
        Server.AnswerAll(404, """{"error":"model 'm' not found"}""");

        ApiAnswer search = await sidecar.Api.PostAsync("/search", """{"query":"frog","namespaces":["docs"]}""");

        search.AssertError(400, "embedder-failed", "Embedding the query failed: ollama answered 404: model 'm' not found.", "error");
    }

    /// <summary>Vectors of another length than the first one's are no vectors of the same model.</summary>
    [Test]
    public async Task Upload_OtherLength_FailsTheItems([Values] bool isDeclared)
    {
        await using SidecarInProcess sidecar = await SidecarInProcess.StartAsync(
            Arguments("ollama", "--embedding-dimensions", isDeclared ? $"{FakeProvider.Dimension}" : "0"));
        await sidecar.Api.CreateAsync("docs");
        await sidecar.Api.UploadDocumentsAsync("docs", Texts);
        Server.AnswerAll(200, """{"embeddings":[[1,2,3]]}""");

        ApiAnswer job = await sidecar.Api.UploadDocumentsAsync("docs", ("new", "text"));

        Assert.That(job.String("last_error"), Is.EqualTo("Document 0 ('new'): embedding failed: the generator gave a vector of 3 values instead of 32."));
    }

    [Test]
    public async Task Start_ProviderIsDown_ServesAndEmbedsOnceItIsThere([ValueSource(nameof(Names))] string provider)
    {
        await Server.StopAsync();
        await using SidecarInProcess sidecar = await SidecarInProcess.StartAsync(Arguments(provider, "--embed-attempts", "1"));
        await sidecar.Api.CreateAsync("docs");
        ApiAnswer failed = await sidecar.Api.UploadDocumentsAsync("docs", Texts);
        Assert.That(failed.String("last_error"), Does.StartWith($"Document 2 ('whale'): embedding failed: {provider} cannot be reached: Connection refused"));

        await Server.StartAgainAsync();
        ApiAnswer job = await sidecar.Api.UploadDocumentsAsync("docs", Texts);

        Assert.That((job.Number("successful"), job.Number("failed")), Is.EqualTo((3L, 0L)));
        ApiAnswer found = await sidecar.Api.PostAsync("/search", """{"query":"green frog","namespaces":["docs"],"top_k":1}""");
        Assert.That(found["results"][0].GetProperty("id").GetString(), Is.EqualTo("frog"));
    }

    /// <summary>More namespaces than there are workers wait for a provider that takes requests and does not answer them.</summary>
    [Test]
    public async Task ProviderNeverAnswers_NothingElseWaits()
    {
        await using SidecarInProcess sidecar = await SidecarInProcess.StartAsync(Arguments("ollama", "--job-workers", "1"));
        await sidecar.Api.CreateAsync("known");
        await sidecar.Api.UploadDocumentsAsync("known", Texts);
        await sidecar.Api.CreateAsync("vectors", 2);
        int before = Server.Requests.Count;
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Server.Instead = async (_, _) =>
        {
            await release.Task;
            return false;
        };
        List<ApiAnswer> waiting = [];
        for (int i = 0; i < 3; i++)
        {
            await sidecar.Api.CreateAsync($"texts{i}");
            waiting.Add((await sidecar.Api.PostAsync($"/namespaces/texts{i}/documents", """{"documents":[{"id":"a","text":"b"}]}""")).AssertStatus(202));
        }

        Task<ApiAnswer> search = sidecar.Api.PostAsync("/search", """{"query":"frog","namespaces":["known"]}""");
        while (Server.Requests.Count < before + 2)
        {
            await Task.Delay(1, Token);
        }

        // All of it ends while the provider holds an upload and a search.
        ApiAnswer upload = await sidecar.Api.UploadVectorsAsync("vectors", ("x", [1, 0]), ("y", [0, 1]));
        ApiAnswer found = await sidecar.Api.PostAsync("/search", """{"query":[1,0],"namespaces":["vectors"],"top_k":1}""");
        ApiAnswer health = await sidecar.Api.GetAsync("/health");

        Assert.That(upload.Number("successful"), Is.EqualTo(2));
        Assert.That(found["results"][0].GetProperty("id").GetString(), Is.EqualTo("x"));
        Assert.That(health.String("status"), Is.EqualTo("ok"));
        Assert.That(search.IsCompleted, Is.False);
        foreach (ApiAnswer one in waiting)
        {
            Assert.That((await sidecar.Api.GetAsync(one.Headers.Location!.ToString())).String("status"), Is.EqualTo("running"));
        }

        release.SetResult();
        (await search).AssertStatus(200);
        foreach (ApiAnswer one in waiting)
        {
            Assert.That((await sidecar.Api.FinishAsync(one)).Number("successful"), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task ProviderNeverAnswers_ItemsFailAfterTheTime()
    {
        Server.NeverAnswer();
        await using SidecarInProcess sidecar = await SidecarInProcess.StartAsync(Arguments("openai", "--embedding-request-seconds", "1"));
        await sidecar.Api.CreateAsync("docs");

        ApiAnswer job = await sidecar.Api.UploadDocumentsAsync("docs", Texts);

        Assert.That(job.String("last_error"), Is.EqualTo("Document 2 ('whale'): embedding failed: openai gave no answer within 1 s."));
        Assert.That(Server.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task NoProvider_AnswersAsBefore()
    {
        await using SidecarInProcess sidecar = await SidecarInProcess.StartAsync("--embedding-provider", "none", "--embedding-api-key", Key);
        await sidecar.Api.CreateAsync("docs");

        ApiAnswer job = await sidecar.Api.UploadDocumentsAsync("docs", Texts);
        ApiAnswer search = await sidecar.Api.PostAsync("/search", """{"query":"frog","namespaces":["docs"]}""");

        Assert.That(job.String("last_error"), Is.EqualTo("Document 2 ('whale'): no embedding provider is configured."));
        search.AssertError(400, "embedder-missing", "No embedding provider is configured; text queries need one.", "error");
    }

    [Test]
    public async Task Onnx_OtherModelNamed_StopsTheStart() => Assert.That(
        (await Assert.ThrowsAsync<Moorcheh.Sidecar.SettingsException>(() => SidecarInProcess.StartAsync("--embedding-model", "bge-m3")))!.Message,
        Does.StartWith("Option 'EmbeddingModel' is 'bge-m3', but provider 'onnx' has '"));

    /// <summary>A program with all of its log, and a provider that tells everybody the key it was sent, in every way it can.</summary>
    [Test]
    [Platform(Exclude = "Win", Reason = "Processes are stopped by signals.")]
    public async Task Key_IsNowhere([ValueSource(nameof(Names))] string provider)
    {
        Dictionary<string, string> environment = new()
        {
            ["EMBEDDING_PROVIDER"] = provider,
            ["EMBEDDING_MODEL"] = "m",
            ["EMBEDDING_BASE_URL"] = BaseUrl(provider),
            ["EMBEDDING_API_KEY"] = Key,
            ["Logging__LogLevel__Default"] = "Trace",
            ["Logging__LogLevel__Microsoft"] = "Trace",
            ["Logging__LogLevel__System"] = "Trace",
        };
        var said = new StringBuilder();
        using var directory = new TemporaryDirectory();
        await using SidecarProcess sidecar = await SidecarProcess.StartAsync(directory.Path, environment, "--embed-attempts", "2");
        await sidecar.Api.CreateAsync("docs");
        (int Status, string Body)[] answers =
        [
            (401, $$$"""{"error":{"message":"Bearer {{{Key}}} is wrong"}}"""),
            (500, Key),
            (503, $"{new string('x', 260)} {Key} {Key}"),
            (200, $$$"""{"{{{Key}}}":["{{{Key}}}" """),
            (200, $$$"""{"embeddings":"{{{Key}}}","data":"{{{Key}}}"}"""),
        ];
        foreach ((int status, string body) in answers)
        {
            Server.AnswerAll(status, body, ("X-Key", Key), ("Retry-After", "0"));
            ApiAnswer job = await sidecar.Api.UploadDocumentsAsync("docs", Texts);
            Assert.That(job.Number("failed"), Is.EqualTo(3), job.Text);
            said.AppendLine(job.Text);
            said.AppendLine((await sidecar.Api.PostAsync("/search", """{"query":"frog","namespaces":["docs"]}""")).Text);
        }

        Assert.That(Server.Requests, Has.All.Property("Authorization").EqualTo($"Bearer {Key}"));
        foreach (string path in (string[])["/health", "/metrics", "/namespaces/docs", "/readyz"])
        {
            said.AppendLine((await sidecar.Api.GetAsync(path)).Text);
        }

        await sidecar.StopAsync();
        Assert.That(sidecar.Output, Does.Contain("trce:").Or.Contain("dbug:"), "the log was to have everything");
        Assert.That(said.ToString(), Does.Contain("***").And.Not.Contain(Key).IgnoreCase);
        Assert.That(sidecar.Output, Does.Contain("***").And.Not.Contain(Key).IgnoreCase);
        Assert.That(sidecar.Output, Does.Not.Contain(Key[..12]).IgnoreCase, "nor a part of it");
        byte[] bytes = Encoding.ASCII.GetBytes(Key);
        foreach (string file in Directory.EnumerateFiles(directory.Path, "*", SearchOption.AllDirectories))
        {
            Assert.That((await File.ReadAllBytesAsync(file)).AsSpan().IndexOf(bytes), Is.Negative, file);
        }
    }
}
