using Moorcheh.Artifacts;
using Moorcheh.Diagnostics;
using Moorcheh.Tests.Faults;
using Moorcheh.Tests.Http.Artifacts;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>How requests are answered whose outcome is not known, and how the status they name tells it.</summary>
[NonParallelizable]
[CancelAfter(60_000)]
internal sealed class OutcomeTests
{
    private const string Reason = "The outcome is not known yet (writing fails: No space left on device): the request is carried out once it is on disk";

    [Test]
    public async Task Requests_DiskTakesNoWrites_AreAnsweredWithAnIdThatTellsLater()
    {
        var disk = new FailingDisk();
        await using TestServer server = await ArtifactServer.StartAsync(store: options => options.Disk = disk);
        await server.Api.CreateAsync("emb", 4);
        await server.Api.CreateAsync("doomed", 4);

        // All entries are on their way when the trouble begins: a part of the upload, a part of the document, and the four that count.
        int appended = 0;
        using var allAppended = new SemaphoreSlim(0);
        CrashPoints.Reached = point =>
        {
            if (point == CrashPoints.JournalAppended && Interlocked.Increment(ref appended) == 6)
            {
                allAppended.Release();
            }
        };
        disk.Hold();
        Task<ApiAnswer> upload = server.Api.PostAsync("/namespaces/emb/vectors", """{"vectors":[{"id":"a","vector":[1,2,3,4]}]}""");
        Task<ApiAnswer> delete = server.Api.DeleteAsync("/namespaces/doomed");
        Task<ApiAnswer> create = server.Api.PostAsync("/namespaces", """{"namespace_name":"new","type":"text"}""");
        Task<ApiAnswer> task = server.Api.StartIngestAsync("docs", "a", "text");
        await allAppended.WaitAsync(TestStore.Token);
        CrashPoints.Reached = null;
        disk.IsFull = true;
        disk.Release();
        await Task.WhenAll(upload, delete, create, task);

        ApiAnswer uploaded = CheckUnknown(await upload, "emb");
        ApiAnswer deleted = CheckUnknown(await delete, "doomed");
        (await create).AssertError(504, "outcome-unknown", $"{Reason}.");
        ApiAnswer started = await task;
        string taskId = started.String("task_id")!;
        started.AssertIs(504, $$"""{"detail":"{{Reason}}; the status of job '{{taskId}}' tells.","task_id":"{{taskId}}"}""");

        // Now it is known that writes fail.
        (await server.Api.DeleteAsync("/namespaces/emb")).AssertError(507, "storage-full", "Storage is full; nothing was stored.");
        (await server.Api.StartDeleteAsync("docs", "a")).AssertIs(507, """{"detail":"Storage is full; nothing was stored."}""");
        string uploadPath = $"/namespaces/emb/upload-jobs/{uploaded.String("job_id")}";
        string deletePath = $"/namespaces/doomed/delete-jobs/{deleted.String("job_id")}";
        foreach (string path in (string[])[uploadPath, deletePath])
        {
            ApiAnswer job = (await server.Api.GetAsync(path)).AssertStatus(200);
            Assert.That((job.String("status"), job["accepted"].GetBoolean()), Is.EqualTo(("running", false)));
        }

        ApiAnswer listed = (await server.Api.GetAsync($"/jobs/{uploaded.String("job_id")}")).AssertStatus(200);
        Assert.That(listed["job"].GetProperty("accepted").GetBoolean(), Is.False);
        (await server.Api.PostAsync($"/jobs/{uploaded.String("job_id")}/cancel", "{}")).AssertStatus(504);
        Assert.That((await server.Api.GetAsync($"/v1/artifacts/ingest/async/{taskId}")).String("task_status"), Is.EqualTo("PENDING"));

        disk.IsFull = false;
        foreach (string path in (string[])[uploadPath, deletePath])
        {
            ApiAnswer job = (await server.Api.GetAsync($"{path}?wait=30")).AssertStatus(200);
            Assert.That(job.String("status"), Is.EqualTo("completed"));
            Assert.That(job.Keys(), Does.Not.Contain("accepted"));
        }

        Assert.That((await server.Store.Artifacts.WaitAsync(taskId, TestStore.Token))!.TaskState, Is.EqualTo(ArtifactTaskState.Success));
        while (server.Store.FindNamespace("new") is null)
        {
            await Task.Delay(5, TestStore.Token);
        }
    }

    private static ApiAnswer CheckUnknown(ApiAnswer answer, string namespaceName)
    {
        string id = answer.String("job_id")!;
        Assert.That((answer.Status, answer.Text), Is.EqualTo((504,
            $$"""{"status":"failure","message":"{{Reason}}; the status of job '{{id}}' tells.","code":"outcome-unknown","job_id":"{{id}}","namespace_name":"{{namespaceName}}"}""")));
        return answer;
    }
}
