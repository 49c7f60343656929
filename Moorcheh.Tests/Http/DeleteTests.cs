using System.Text.Json;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>Steps 19 to 22 of the acceptance sequence.</summary>
public class DeleteTests : ServerFixture
{
    [Test]
    public async Task Step19_Delete_CountsUpToTheEndAndStaysReadable()
    {
        string name = await NewNamespaceAsync(2);
        await Api.UploadVectorsAsync(name, [.. Enumerable.Range(0, 42).Select(i => ($"{i}", new float[] { i, 1 }))]);

        ApiAnswer started = (await Api.DeleteAsync($"/namespaces/{name}")).AssertStatus(202);
        string id = started.String("job_id")!;
        Assert.That(started.Text, Is.EqualTo(
            $$"""{"status":"success","message":"Namespace delete started. Poll job status for progress.","job_id":"{{id}}","namespace_name":"{{name}}","total_items":42}"""));
        Assert.That(started.Headers.Location?.ToString(), Is.EqualTo($"/namespaces/{name}/delete-jobs/{id}"));
        ApiAnswer job = await Api.FinishAsync(started);

        Assert.That(job.Keys(), Is.EqualTo(new[]
        {
            "job_id", "namespace_name", "status", "total_items", "deleted_items", "last_error", "started_at", "updated_at", "finished_at",
        }));
        Assert.That((job.String("status"), job.Number("total_items"), job.Number("deleted_items")), Is.EqualTo(("completed", 42L, 42L)));
        Assert.That(job["last_error"].ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That((await Api.GetAsync($"/namespaces/{name}/delete-jobs/{id}")).Text, Is.EqualTo(job.Text));
        (await Api.GetAsync($"/namespaces/{name}/upload-jobs/{id}")).AssertError(
            404, "job-not-found", $"Upload job '{id}' not found in namespace '{name}'.");
    }

    [Test]
    public async Task Step20_NameIsFreeAtOnce_AndOldJobsStillAnswer()
    {
        string name = await NewNamespaceAsync(5);
        string upload = (await Api.UploadVectorsAsync(name, ("a", [1, 2, 3, 4, 5]))).String("job_id")!;
        string delete = (await Api.DeleteNamespaceAsync(name)).String("job_id")!;

        await Api.CreateAsync(name, 7);

        (await Api.GetAsync($"/namespaces/{name}/upload-jobs/{upload}")).AssertStatus(200);
        (await Api.GetAsync($"/namespaces/{name}/delete-jobs/{delete}")).AssertStatus(200);
        ApiAnswer read = await Api.PostAsync($"/namespaces/{name}/items/get", """{"ids":["a"]}""");
        Assert.That(read.Number("found_items"), Is.Zero);
    }

    [Test]
    public async Task Step20_EmptyAndUnknown_AreDeletedOrNotFound()
    {
        string name = await NewNamespaceAsync();

        ApiAnswer job = await Api.DeleteNamespaceAsync(name);

        Assert.That((job.String("status"), job.Number("total_items"), job.Number("deleted_items")), Is.EqualTo(("completed", 0L, 0L)));
        (await Api.DeleteAsync($"/namespaces/{name}")).AssertError(404, "namespace-not-found", $"Namespace '{name}' not found.");
    }

    [Test]
    public async Task Step21_WhileDeleting_TheNamespaceIsNeitherThereNorFree()
    {
        // The only worker is held by another namespace, so that the delete is accepted but cannot go on.
        await using TestServer server = await TestServer.StartAsync(host => host.Store.Jobs.Workers = 1);
        ApiClient api = server.Api;
        await api.CreateAsync("x", 4);
        for (int batch = 0; batch < 2; batch++)
        {
            await api.UploadVectorsAsync("x", [.. Enumerable.Range(batch * 10_000, 10_000).Select(i => ($"{i}", new float[] { i, 1, 2, 3 }))]);
        }

        await api.CreateAsync("other", 1);
        using var held = new HeldUpload();
        await api.PostAsync("/namespaces/other/vectors", """{"vectors":[{"id":"a","vector":[1]}]}""");
        await held.IsHeld;

        ApiAnswer started = await api.DeleteAsync("/namespaces/x");
        string id = started.String("job_id")!;
        Assert.That(started.Number("total_items"), Is.EqualTo(20_000));
        Assert.That((await api.GetAsync($"/namespaces/x/delete-jobs/{id}")).String("status"), Is.EqualTo("running"));

        const string Message = "Namespace 'x' is being deleted.";
        Assert.That((await api.GetAsync("/namespaces")).Text, Does.Not.Contain("\"x\""));
        Assert.That((await api.GetAsync("/health")).Number("items"), Is.EqualTo(1), "that of the other namespace");
        (await api.GetAsync("/namespaces/x")).AssertError(409, "namespace-deleting", Message);
        (await api.PostAsync("/namespaces/x/vectors", """{"vectors":[{"id":"n","vector":[1,2,3,4]}]}""")).AssertError(409, "namespace-deleting", Message);
        (await api.PostAsync("/namespaces/x/items/get", """{"ids":["1"]}""")).AssertError(409, "namespace-deleting", Message);
        (await api.PostAsync("/namespaces/x/items/delete", """{"ids":["1"]}""")).AssertError(409, "namespace-deleting", Message);
        (await api.GetAsync("/namespaces/x/documents/fetch-text-data")).AssertError(409, "namespace-deleting", Message);
        (await api.PostAsync("/namespaces", """{"name":"x","type":"text"}""")).AssertError(409, "namespace-deleting", Message);
        (await api.PostAsync("/search", """{"query":[1,2,3,4],"namespaces":["x"]}""")).AssertError(400, "namespace-deleting", Message, "error");
        ApiAnswer again = (await api.DeleteAsync("/namespaces/x")).AssertStatus(409);
        Assert.That(again.Text, Is.EqualTo(
            $$"""{"status":"failure","message":"Namespace 'x' is already being deleted by job '{{id}}'.","code":"namespace-deleting","job_id":"{{id}}","namespace_name":"x"}"""));

        held.Dispose();
        ApiAnswer job = await api.FinishAsync(started);
        Assert.That(job.Number("deleted_items"), Is.EqualTo(20_000));
        await api.CreateAsync("x");
    }

    [Test]
    public async Task Step22_DeleteDuringAnUpload_EndsThatUpload()
    {
        var embedder = new TestEmbedder();
        await using TestServer server = await TestServer.StartAsync(host => host.Store.Embedding.Generator = embedder);
        ApiClient api = server.Api;
        await api.CreateAsync("x");
        embedder.Block();
        ApiAnswer upload = await api.PostAsync(
            "/namespaces/x/documents", new { documents = Enumerable.Range(0, 500).Select(i => new { id = $"{i}", text = $"text {i}" }) });
        await embedder.CallsBegunAsync(1);

        ApiAnswer delete = (await api.DeleteAsync("/namespaces/x")).AssertStatus(202);
        embedder.Release();
        await api.FinishAsync(delete);

        ApiAnswer job = (await api.GetAsync(upload.Headers.Location!.ToString())).AssertStatus(200);
        Assert.That(job.String("status"), Is.EqualTo("completed"));
        Assert.That(job.Number("successful") + job.Number("failed"), Is.EqualTo(500));
        Assert.That(job.String("last_error"), Is.EqualTo("Namespace 'x' was deleted."));
        Assert.That((await api.GetAsync("/health")).Number("items"), Is.Zero);
    }
}
