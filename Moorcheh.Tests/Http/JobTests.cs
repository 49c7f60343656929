using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Moorcheh.Http;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>The list of jobs, one job, and waiting for a job.</summary>
public class JobTests : ServerFixture
{
    private const string OneDocument = """{"documents":[{"id":"a","text":"x"}]}""";

    [Test]
    public async Task List_Pages_ShowEveryJobOnceNewestFirst()
    {
        string name = await NewNamespaceAsync(1);
        var started = new List<string>();
        for (int i = 0; i < 5; i++)
        {
            started.Add((await Api.UploadVectorsAsync(name, ($"{i}", [1]))).String("job_id")!);
        }

        var seen = new List<JsonElement>();
        string? cursor = null;
        int pages = 0;
        do
        {
            ApiAnswer page = (await Api.GetAsync($"/jobs?namespace={name}&limit=2{(cursor is null ? "" : $"&cursor={cursor}")}")).AssertStatus(200);
            Assert.That(page.Keys(), Is.EqualTo(new[] { "status", "jobs", "next_cursor" }));
            seen.AddRange(page["jobs"].EnumerateArray());
            cursor = page.String("next_cursor");
            pages++;
        }
        while (cursor is not null);

        Assert.That(pages, Is.EqualTo(3));
        string[] ids = [.. seen.Select(job => job.GetProperty("job_id").GetString()!)];
        Assert.That(ids, Is.EquivalentTo(started));
        Assert.That(seen.Select(Place), Is.Ordered.Descending.Using((IComparer<string>)StringComparer.Ordinal));
        Assert.That(seen[0].EnumerateObject().Select(property => property.Name), Is.EqualTo(new[]
        {
            "job_id", "type", "namespace_name", "status", "cancelled", "total", "processed", "successful", "failed",
            "last_error", "started_at", "updated_at", "finished_at",
        }));

        static string Place(JsonElement job) => $"{job.GetProperty("started_at").GetString()} {job.GetProperty("job_id").GetString()}";
    }

    [Test]
    public async Task List_LastPageThatIsFull_HasNoCursor()
    {
        string name = await NewNamespaceAsync(1);
        await Api.UploadVectorsAsync(name, ("a", [1]));
        await Api.UploadVectorsAsync(name, ("b", [1]));

        ApiAnswer page = await Api.GetAsync($"/jobs?namespace={name}&limit=2");

        Assert.That(page["jobs"].GetArrayLength(), Is.EqualTo(2));
        Assert.That(page["next_cursor"].ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    [Test]
    public async Task List_Filters_AreCombined()
    {
        string name = await NewNamespaceAsync(1);
        string upload = (await Api.UploadVectorsAsync(name, ("a", [1]))).String("job_id")!;
        string delete = (await Api.DeleteNamespaceAsync(name)).String("job_id")!;

        Assert.That(await ListAsync("type=upload"), Is.EqualTo(new[] { upload }));
        Assert.That(await ListAsync("type=delete"), Is.EqualTo(new[] { delete }));
        Assert.That(await ListAsync("type=delete&status=completed"), Is.EqualTo(new[] { delete }));
        Assert.That(await ListAsync("status=completed"), Is.EquivalentTo(new[] { upload, delete }));
        Assert.That(await ListAsync("status=running"), Is.Empty);
        Assert.That(await ListAsync("status=failed"), Is.Empty);
        Assert.That(await ListAsync("type=file_ingest"), Is.Empty);
        Assert.That(await ListAsync("type=file_delete"), Is.Empty);

        async Task<string[]> ListAsync(string query)
        {
            ApiAnswer page = (await Api.GetAsync($"/jobs?namespace={name}&{query}")).AssertStatus(200);
            return [.. page["jobs"].EnumerateArray().Select(job => job.GetProperty("job_id").GetString()!)];
        }
    }

    [TestCase("type=x", "Query parameter 'type' must be one of upload, delete, file_ingest, file_delete, not 'x'.")]
    [TestCase("type=", "Query parameter 'type' must be one of upload, delete, file_ingest, file_delete, not ''.")]
    [TestCase("status=done", "Query parameter 'status' must be one of running, completed, failed, not 'done'.")]
    [TestCase("limit=x", "Query parameter 'limit' must be a whole number, not 'x'.")]
    public async Task List_BadParameters_AreRefused(string query, string message) =>
        (await Api.GetAsync($"/jobs?{query}")).AssertError(400, "invalid-parameter", message);

    [Test]
    public async Task List_BadCursor_IsRefused() => (await Api.GetAsync("/jobs?cursor=abc")).AssertError(
        400, "invalid-token", "Query parameter 'cursor' is not a cursor of the job list.");

    [Test]
    public async Task Get_DeleteJob_HasItsOwnCounters()
    {
        string name = await NewNamespaceAsync(1);
        await Api.UploadVectorsAsync(name, ("a", [1]));
        string id = (await Api.DeleteNamespaceAsync(name)).String("job_id")!;

        ApiAnswer answer = (await Api.GetAsync($"/jobs/{id}")).AssertStatus(200);

        Assert.That(answer["job"].EnumerateObject().Select(property => property.Name), Is.EqualTo(new[]
        {
            "job_id", "type", "namespace_name", "status", "cancelled", "total_items", "deleted_items",
            "last_error", "started_at", "updated_at", "finished_at",
        }));
        Assert.That(answer["job"].GetProperty("type").GetString(), Is.EqualTo("delete"));
        Assert.That(answer["job"].GetProperty("deleted_items").GetInt64(), Is.EqualTo(1));
    }

    [Test]
    public async Task Get_UnknownJob_IsNotFound()
    {
        string id = "job-" + new string('a', 32);

        (await Api.GetAsync($"/jobs/{id}")).AssertError(404, "job-not-found", $"Job '{id}' not found.");
        (await Api.GetAsync("/jobs/x%20y")).AssertError(404, "job-not-found", "Job 'x y' not found.");
    }

    [TestCase("abc")]
    [TestCase("NaN")]
    [TestCase("Infinity")]
    [TestCase("")]
    [TestCase("1s")]
    public async Task Wait_NotANumber_IsRefused(string wait)
    {
        string name = await NewNamespaceAsync(1);
        ApiAnswer job = await Api.UploadVectorsAsync(name, ("a", [1]));

        (await Api.GetAsync($"/namespaces/{name}/upload-jobs/{job.String("job_id")}?wait={wait}")).AssertError(
            400, "invalid-parameter", $"Query parameter 'wait' must be a number, not '{wait}'.");
    }

    [TestCase("")]
    [TestCase("?wait=0")]
    [TestCase("?wait=-5")]
    [TestCase("?wait=0.05")]
    public async Task Wait_TimeOver_AnswersTheRunningJob(string query)
    {
        (TestServer server, TestEmbedder embedder, string url) = await StartHeldUploadAsync();
        await using (server)
        {
            ApiAnswer job = (await server.Api.GetAsync(url + query)).AssertStatus(200);

            Assert.That(job.String("status"), Is.EqualTo("running"));
            Assert.That(job["finished_at"].ValueKind, Is.EqualTo(JsonValueKind.Null));
            embedder.Release();
        }
    }

    [Test]
    public async Task Wait_JobFinishes_AnswersAtOnce()
    {
        (TestServer server, TestEmbedder embedder, string url) = await StartHeldUploadAsync();
        await using (server)
        {
            Task<ApiAnswer> waiting = server.Api.GetAsync(url + "?wait=1e9");
            await embedder.CallsBegunAsync(1);
            embedder.Release();

            Assert.That((await waiting).String("status"), Is.EqualTo("completed"));
        }
    }

    [Test]
    public async Task Wait_Shutdown_EndsItWithTheStateOfThen()
    {
        var embedder = new TestEmbedder();
        embedder.Block();
        var waits = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(
            host => host.Store.Embedding.Generator = embedder,
            map: app => app.MapMoorcheh().AddEndpointFilter(async (context, next) =>
            {
                ValueTask<object?> answer = next(context);
                if (context.HttpContext.Request.Query.ContainsKey("wait"))
                {
                    waits.SetResult();
                }

                return await answer;
            }));
        await server.Api.CreateAsync("docs");
        ApiAnswer started = await server.Api.PostAsync("/namespaces/docs/documents", OneDocument);
        long start = Stopwatch.GetTimestamp();
        Task<ApiAnswer> waiting = server.Api.GetAsync($"{started.Headers.Location}?wait=30");
        await waits.Task;

        Task stopping = server.StopAsync();

        Assert.That((await waiting).AssertStatus(200).String("status"), Is.EqualTo("running"));
        Assert.That(Stopwatch.GetElapsedTime(start), Is.LessThan(TimeSpan.FromSeconds(30)), "It came before the wait was over.");
        await stopping;
    }

    [Test]
    public async Task Shutdown_RequestsThatStillArrive_AreToldSo()
    {
        await using TestServer server = await TestServer.StartAsync();
        Task<ApiAnswer>[] answers = [];

        // Runs before the server closes its port.
        server.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(() =>
        {
            answers = [server.Api.GetAsync("/health"), server.Api.GetAsync("/readyz"), server.Api.GetAsync("/livez")];
            Task.WaitAll(answers);
        });
        await server.StopAsync();

        (await answers[0]).AssertError(503, "shutting-down", "Server is shutting down.");
        Assert.That((await answers[0]).Headers.RetryAfter?.ToString(), Is.EqualTo("5"));
        (await answers[1]).AssertError(503, "shutting-down", "Server is shutting down.");
        (await answers[2]).AssertStatus(200);
    }

    /// <summary>A server with an upload job that waits in the embedder.</summary>
    private static async Task<(TestServer Server, TestEmbedder Embedder, string Url)> StartHeldUploadAsync()
    {
        var embedder = new TestEmbedder();
        embedder.Block();
        TestServer server = await TestServer.StartAsync(host => host.Store.Embedding.Generator = embedder);
        await server.Api.CreateAsync("docs");
        ApiAnswer started = await server.Api.PostAsync("/namespaces/docs/documents", OneDocument);
        return (server, embedder, started.Headers.Location!.ToString());
    }

    [Test]
    public async Task Step25_Cancel_EndsAnUploadAndRefusesTheRest()
    {
        string name = await NewNamespaceAsync(1);
        string finished = (await Api.UploadVectorsAsync(name, ("a", [1]))).String("job_id")!;
        await Api.GetAsync($"/namespaces/{name}/upload-jobs/{finished}?wait=30");
        ApiAnswer refused = (await Api.PostAsync($"/jobs/{finished}/cancel", "")).AssertStatus(409);
        Assert.That(refused.String("code"), Is.EqualTo("job-finished"));
        Assert.That(refused.String("message"), Is.EqualTo($"Job '{finished}' is already completed."));

        ApiAnswer absent = (await Api.PostAsync("/jobs/job-00000000000000000000000000000000/cancel", "")).AssertStatus(404);
        Assert.That(absent.String("code"), Is.EqualTo("job-not-found"));

        string delete = (await Api.DeleteAsync($"/namespaces/{name}")).AssertStatus(202).String("job_id")!;
        refused = (await Api.PostAsync($"/jobs/{delete}/cancel", "")).AssertStatus(409);
        Assert.That(refused.String("code"), Is.EqualTo("job-not-cancellable"));
    }
}
