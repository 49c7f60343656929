using System.Text.Json;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Sidecar;

/// <summary>
/// The sidecar as a process: start, stop, and step 23 of the acceptance sequence. The invariant behind the kills: 202 means
/// durable, no counter ever falls, and what was counted as stored can be read.
/// </summary>
[CancelAfter(120_000)]
[Platform(Exclude = "Win", Reason = "Processes are stopped by signals.")]
public class SidecarTests
{
    private static readonly string[] NoModel = ["--embedding-provider", "none"];

    private TemporaryDirectory _directory = null!;

    [SetUp]
    public void CreateDirectory() => _directory = new TemporaryDirectory();

    [TearDown]
    public void DeleteDirectory() => _directory.Dispose();

    [Test]
    public async Task Step23_KilledRightAfterThe202_TheUploadIsCarriedOut()
    {
        ApiAnswer started;
        string[] ids = [.. Enumerable.Range(0, 5000).Select(i => $"v{i}")];
        await using (SidecarProcess sidecar = await SidecarProcess.StartAsync(_directory.Path, NoModel))
        {
            await sidecar.Api.CreateAsync("emb", 8);
            started = await sidecar.Api.PostAsync(
                "/namespaces/emb/vectors", new { vectors = ids.Select((id, i) => new { id, vector = new[] { i, 1, 2, 3, 4, 5, 6, 7 }, number = i }) });
            await sidecar.KillAsync();
            started.AssertStatus(202);
        }

        await using SidecarProcess restarted = await SidecarProcess.StartAsync(_directory.Path, NoModel);
        ApiAnswer job = await restarted.Api.FinishAsync(started);

        Assert.That((job.String("status"), job.Number("successful"), job.Number("failed")), Is.EqualTo(("completed", 5000L, 0L)));
        await AssertAllFoundAsync(restarted.Api, "emb", ids);
        ApiAnswer found = await restarted.Api.PostAsync("/search", """{"query":[4999,1,2,3,4,5,6,7],"namespaces":["emb"],"top_k":1}""");
        Assert.That(found["results"][0].GetProperty("id").GetString(), Is.EqualTo("v4999"));
    }

    [Test]
    public async Task Step23_KilledDuringAnUpload_GoesOnWhereItWas()
    {
        // Texts, because embedding them takes long enough to be in the middle.
        string[] ids = [.. Enumerable.Range(0, 600).Select(i => $"doc-{i}")];
        ApiAnswer started;
        ApiAnswer last;
        await using (SidecarProcess sidecar = await SidecarProcess.StartAsync(_directory.Path))
        {
            await sidecar.Api.CreateAsync("docs");
            started = (await sidecar.Api.PostAsync(
                "/namespaces/docs/documents", new { documents = ids.Select((id, i) => new { id, text = $"Text number {i} about subject {i % 7}." }) }))
                .AssertStatus(202);
            do
            {
                last = await sidecar.Api.GetAsync(started.Headers.Location!.ToString());
            }
            while (last.Number("successful") == 0);

            await sidecar.KillAsync();
        }

        await using SidecarProcess restarted = await SidecarProcess.StartAsync(_directory.Path);
        ApiAnswer first = await restarted.Api.GetAsync(started.Headers.Location!.ToString());
        Assert.That(first.Number("successful"), Is.GreaterThanOrEqualTo(last.Number("successful")));
        Assert.That(first.Number("processed"), Is.GreaterThanOrEqualTo(last.Number("processed")));
        Assert.That(first.String("started_at"), Is.EqualTo(last.String("started_at")));
        await AssertAllFoundAsync(restarted.Api, "docs", ids[..(int)first.Number("successful")]);
        ApiAnswer job = await restarted.Api.FinishAsync(started);
        Assert.That((job.String("status"), job.Number("successful"), job.Number("failed")), Is.EqualTo(("completed", 600L, 0L)));
        await AssertAllFoundAsync(restarted.Api, "docs", ids);
        Assert.That((await restarted.Api.GetAsync("/health")).Number("items"), Is.EqualTo(600));
    }

    [Test]
    public async Task Step23_KilledDuringADelete_FinishesIt()
    {
        ApiAnswer started;
        ApiAnswer last;
        await using (SidecarProcess sidecar = await SidecarProcess.StartAsync(_directory.Path, NoModel))
        {
            await sidecar.Api.CreateAsync("kept", 1);
            await sidecar.Api.UploadVectorsAsync("kept", ("k", [1]));
            await sidecar.Api.CreateAsync("emb", 1);
            for (int batch = 0; batch < 4; batch++)
            {
                await sidecar.Api.UploadVectorsAsync("emb", [.. Enumerable.Range(batch * 10_000, 10_000).Select(i => ($"{i}", new float[] { 1 }))]);
            }

            started = (await sidecar.Api.DeleteAsync("/namespaces/emb")).AssertStatus(202);
            do
            {
                last = await sidecar.Api.GetAsync(started.Headers.Location!.ToString());
            }
            while (last.Number("deleted_items") == 0);

            await sidecar.KillAsync();
        }

        await using SidecarProcess restarted = await SidecarProcess.StartAsync(_directory.Path, NoModel);
        ApiAnswer first = (await restarted.Api.GetAsync(started.Headers.Location!.ToString())).AssertStatus(200);
        Assert.That(first.Number("deleted_items"), Is.GreaterThanOrEqualTo(last.Number("deleted_items")));
        Assert.That(first.Number("total_items"), Is.EqualTo(40_000));
        ApiAnswer job = await restarted.Api.FinishAsync(started);
        Assert.That((job.String("status"), job.Number("deleted_items")), Is.EqualTo(("completed", 40_000L)));
        Assert.That((await restarted.Api.GetAsync("/health")).Number("items"), Is.EqualTo(1));
        await restarted.Api.CreateAsync("emb", 3);
        await AssertAllFoundAsync(restarted.Api, "kept", ["k"]);
    }

    [Test]
    public async Task Stop_RunningUpload_ReachesASafePointAndGoesOn()
    {
        string[] ids = [.. Enumerable.Range(0, 400).Select(i => $"doc-{i}")];
        ApiAnswer started;
        await using (SidecarProcess sidecar = await SidecarProcess.StartAsync(_directory.Path))
        {
            await sidecar.Api.CreateAsync("docs");
            started = await sidecar.Api.PostAsync("/namespaces/docs/documents", new { documents = ids.Select(id => new { id, text = $"Text of {id}." }) });

            Assert.That(await sidecar.StopAsync(), Is.Zero, sidecar.Output);

            Assert.That(sidecar.Output, Does.Contain("Stopping").And.Contain("Closed").And.Contain("Stopped"));
        }

        await using SidecarProcess restarted = await SidecarProcess.StartAsync(_directory.Path);
        Assert.That((await restarted.Api.FinishAsync(started)).Number("successful"), Is.EqualTo(400));
        await AssertAllFoundAsync(restarted.Api, "docs", ids);
    }

    [Test]
    public async Task Start_LogsStartAndNothingPerRequest()
    {
        await using SidecarProcess sidecar = await SidecarProcess.StartAsync(_directory.Path, NoModel);
        int lines = Lines();

        await sidecar.Api.GetAsync("/health");
        await sidecar.Api.GetAsync("/nope");
        await sidecar.Api.PostAsync("/search", "{}");
        await sidecar.Api.GetAsync("/livez");

        Assert.That(Lines(), Is.EqualTo(lines), sidecar.Output);
        Assert.That(sidecar.Output, Does.Contain("Listening on http://127.0.0.1:").And.Contain(_directory.Path));

        int Lines() => sidecar.Output.Count(c => c == '\n');
    }

    [Test]
    public async Task Start_BeyondLoopbackWithoutKey_IsRefused()
    {
        (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--server-host", "0.0.0.0", "--data-directory", _directory.Path);

        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(output, Does.Contain("Refusing to listen on '0.0.0.0', beyond this machine, without an API key."));
    }

    [Test]
    public async Task Start_PortOrDirectoryInUse_FailsWithAClearMessage()
    {
        await using SidecarProcess first = await SidecarProcess.StartAsync(_directory.Path, NoModel);
        string port = $"{first.Api.Http.BaseAddress!.Port}";
        using var other = new TemporaryDirectory();

        (int portCode, string portOutput) = await SidecarProcess.RunToEndAsync(
            ["--server-port", port, "--data-directory", other.Path, .. NoModel]);
        (int lockCode, string lockOutput) = await SidecarProcess.RunToEndAsync(
            ["--server-port", "0", "--data-directory", _directory.Path, .. NoModel]);

        Assert.That((portCode, lockCode), Is.EqualTo((1, 1)));
        Assert.That(portOutput, Does.Contain($"127.0.0.1:{port}: address already in use").And.Not.Contain("   at "));
        Assert.That(lockOutput, Does.Contain("is open in process"));
        (await first.Api.GetAsync("/health")).AssertStatus(200);
    }

    [Test]
    public async Task Start_ModelFolderWithoutModel_FailsWithAClearMessage()
    {
        (int exitCode, string output) = await SidecarProcess.RunToEndAsync(
            "--server-port", "0", "--data-directory", _directory.Path, "--embedding-model-directory", _directory.Path);

        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(output, Does.StartWith($"The model in '{_directory.Path}' cannot be loaded: ").And.Not.Contain("   at "));
    }

    [Test]
    public async Task Cors_OnlyWithAllowedOrigins()
    {
        const string Origin = "https://app.example";
        await using SidecarProcess open = await SidecarProcess.StartAsync(
            _directory.Path, [.. NoModel, "--allowed-origins", Origin, "--api-keys", "secret"]);

        using HttpResponseMessage preflight = await open.Api.Http.SendAsync(Preflight(Origin));
        Assert.That((int)preflight.StatusCode, Is.EqualTo(204), "a browser sends no key with its question");
        Assert.That(preflight.Headers.GetValues("Access-Control-Allow-Origin"), Is.EqualTo(new[] { Origin }));
        using HttpResponseMessage foreign = await open.Api.Http.SendAsync(Preflight("https://other.example"));
        Assert.That(foreign.Headers.Contains("Access-Control-Allow-Origin"), Is.False);
        var request = new HttpRequestMessage(HttpMethod.Get, "/health");
        request.Headers.Add("Origin", Origin);
        ApiAnswer refused = await open.Api.SendAsync(request);
        refused.AssertError(401, "unauthorized", "Missing or invalid API key.");
        Assert.That(refused.Headers.GetValues("Access-Control-Allow-Origin"), Is.EqualTo(new[] { Origin }));

        using var other = new TemporaryDirectory();
        await using SidecarProcess closed = await SidecarProcess.StartAsync(other.Path, NoModel);
        (await closed.Api.SendAsync(Preflight(Origin))).AssertError(
            405, "method-not-allowed", "Method OPTIONS is not allowed on /namespaces; use GET or POST.");

        static HttpRequestMessage Preflight(string origin)
        {
            var question = new HttpRequestMessage(HttpMethod.Options, "/namespaces");
            question.Headers.Add("Origin", origin);
            question.Headers.Add("Access-Control-Request-Method", "POST");
            question.Headers.Add("Access-Control-Request-Headers", "content-type,x-api-key");
            return question;
        }
    }

    [Test]
    public async Task Help_ListsEverySettingWithItsVariable()
    {
        (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--help");

        Assert.That(exitCode, Is.Zero);
        Assert.That(output, Does.Contain("--MaxItems").And.Contain("MOORCHEH_MAX_ITEMS").And.Contain("100000"));
    }

    private static async Task AssertAllFoundAsync(ApiClient api, string name, string[] ids)
    {
        foreach (string[] some in ids.Chunk(100))
        {
            ApiAnswer read = (await api.PostAsync($"/namespaces/{name}/items/get", new { ids = some })).AssertStatus(200);
            JsonElement.ArrayEnumerator items = read["items"].EnumerateArray();
            Assert.That(items.Select(item => item.GetProperty("id").GetString()), Is.EqualTo(some));
        }
    }
}
