using System.Text.Json;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>Steps 5 to 10 and 17 of the acceptance sequence.</summary>
public class UploadTests : ServerFixture
{
    private static readonly string[] JobKeys =
    [
        "job_id", "namespace_name", "status", "total", "processed", "successful", "failed", "last_error", "started_at", "updated_at", "finished_at",
    ];

    [Test]
    public async Task Step05_UploadDocument_StartsAJobThatCompletes()
    {
        string name = await NewNamespaceAsync();

        ApiAnswer started = await Api.PostAsync($"/namespaces/{name}/documents", """{"documents":[{"id":"doc-1","text":"Hello","team":"ai"}]}""");

        started.AssertStatus(202);
        string jobId = started.String("job_id")!;
        Assert.That(jobId, Does.Match("^job-[0-9a-f]{32}$"));
        Assert.That(started.Text, Is.EqualTo(
            $$"""{"status":"success","message":"Documents upload started. Poll job status for progress.","job_id":"{{jobId}}","namespace_name":"{{name}}","total":1}"""));
        Assert.That(started.Headers.Location?.ToString(), Is.EqualTo($"/namespaces/{name}/upload-jobs/{jobId}"));

        ApiAnswer job = (await Api.GetAsync($"/namespaces/{name}/upload-jobs/{jobId}?wait=30")).AssertStatus(200);
        Assert.That(job.Keys(), Is.EqualTo(JobKeys));
        Assert.That(job.String("job_id"), Is.EqualTo(jobId));
        Assert.That(job.String("namespace_name"), Is.EqualTo(name));
        AssertCounts(job, "completed", 1, 1, 1, 0);
        Assert.That(job["last_error"].ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(job.String("finished_at"), Is.EqualTo(job.String("updated_at")).And.Match(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"));
    }

    [Test]
    public async Task Step06_JobAskedElsewhere_IsNotFound()
    {
        string docs = await NewNamespaceAsync();
        string other = await NewNamespaceAsync(5);
        string id = (await Api.UploadDocumentsAsync(docs, ("a", "x"))).String("job_id")!;
        string madeUp = "job-" + new string('0', 32);

        (await Api.GetAsync($"/namespaces/{other}/upload-jobs/{id}")).AssertError(
            404, "job-not-found", $"Upload job '{id}' not found in namespace '{other}'.");
        (await Api.GetAsync($"/namespaces/{docs}/delete-jobs/{id}")).AssertError(
            404, "job-not-found", $"Delete job '{id}' not found in namespace '{docs}'.");
        (await Api.GetAsync($"/namespaces/{docs}/upload-jobs/{madeUp}")).AssertError(
            404, "job-not-found", $"Upload job '{madeUp}' not found in namespace '{docs}'.");
        (await Api.GetAsync($"/namespaces/no%2Fpe/upload-jobs/x")).AssertError(
            404, "job-not-found", "Upload job 'x' not found in namespace 'no/pe'.");
    }

    [TestCase("""{"documents":[]}""", "empty-field", "Field 'documents' must not be empty.")]
    [TestCase("""{"documents":[{"id":"a","text":"x"},{"id":"b"}]}""", "missing-field", "Document 1 ('b') has no 'text'.")]
    [TestCase("""{"documents":[{"id":7,"text":"x"}]}""", "wrong-type", "Document 0: 'id' must be a string, not a number.")]
    [TestCase("""{"documents":[{"id":"a","text":""}]}""", "invalid-text", "Document 0 ('a'): 'text' is empty.")]
    [TestCase("""{"vectors":[]}""", "missing-field", "Field 'documents' is required.")]
    [TestCase("""[]""", "wrong-type", "Request body must be an object, not an array.")]
    public async Task Step07_BadDocuments_StartNoJob(string body, string code, string message)
    {
        string name = await NewNamespaceAsync();

        (await Api.PostAsync($"/namespaces/{name}/documents", body)).AssertError(400, code, message);

        Assert.That(await CountJobsAsync(name), Is.Zero);
    }

    [TestCase("[1,2,3,4]", "dimension-mismatch", "Vector 1 ('vec-2') has 4 values; namespace '{0}' needs 5.")]
    [TestCase("[1,2,3,4,1e999]", "non-finite-value", "Vector 1 ('vec-2'): value 4 is not a finite number.")]
    [TestCase("[1,2,3,4,1e39]", "non-finite-value", "Vector 1 ('vec-2'): value 4 is not a finite number.")]
    [TestCase("[1,2,3,NaN,5]", "invalid-json", "Request body is not valid JSON (line 1, byte 79).")]
    [TestCase("null", "missing-field", "Vector 1 ('vec-2') has no 'vector'.")]
    [TestCase("{}", "wrong-type", "Vector 1 ('vec-2'): 'vector' must be an array of numbers, not an object.")]
    public async Task Step08_BadVector_StoresNothing(string vector, string code, string message)
    {
        string name = await NewNamespaceAsync(5);
        string body = $$"""{"vectors":[{"id":"vec-1","vector":[1,2,3,4,5]},{"id":"vec-2","vector":{{vector}}}]}""";

        (await Api.PostAsync($"/namespaces/{name}/vectors", body)).AssertError(400, code, string.Format(null, message, name));

        Assert.That(await CountJobsAsync(name), Is.Zero);
        ApiAnswer read = await Api.PostAsync($"/namespaces/{name}/items/get", """{"ids":["vec-1","vec-2"]}""");
        Assert.That(read.Number("found_items"), Is.Zero);
    }

    [Test]
    public async Task Step09_WrongKindOfNamespace_IsRefused()
    {
        string docs = await NewNamespaceAsync();
        string emb = await NewNamespaceAsync(5);

        // The namespace comes before the fields, so that an empty object is enough.
        (await Api.PostAsync($"/namespaces/{emb}/documents", "{}")).AssertError(
            400, "wrong-namespace-type", $"Namespace '{emb}' is a vector namespace; documents need a text namespace.");
        (await Api.PostAsync($"/namespaces/{docs}/vectors", "{}")).AssertError(
            400, "wrong-namespace-type", $"Namespace '{docs}' is a text namespace; vectors need a vector namespace.");
        (await Api.PostAsync("/namespaces/nope/documents", "{}")).AssertError(404, "namespace-not-found", "Namespace 'nope' not found.");
        (await Api.PostAsync("/namespaces/nope/vectors", "{}")).AssertError(404, "namespace-not-found", "Namespace 'nope' not found.");
    }

    [Test]
    public async Task Step10_SameIdTwice_TheLastOneIsStored()
    {
        string name = await NewNamespaceAsync(5);

        ApiAnswer started = await Api.PostAsync($"/namespaces/{name}/vectors", """
            {"vectors":[{"id":"a","vector":[1,0,0,0,0],"n":1},{"id":"b","vector":[0,1,0,0,0]},{"id":"a","vector":[0,0,1,0,0],"n":2}]}
            """);
        Assert.That(started.String("message"), Is.EqualTo("Vectors upload started. Poll job status for progress."));
        ApiAnswer job = await Api.FinishAsync(started);

        AssertCounts(job, "completed", 3, 3, 3, 0);
        ApiAnswer read = await Api.PostAsync($"/namespaces/{name}/items/get", """{"ids":["a"]}""");
        Assert.That(read["items"].GetRawText(), Is.EqualTo("""[{"id":"a","metadata":{"n":2}}]"""));
        ApiAnswer found = await Api.GetAsync($"/namespaces/{name}");
        Assert.That(found["namespace"].GetProperty("item_count").GetInt64(), Is.EqualTo(2));
    }

    [Test]
    public async Task Step17_ItemLimit_CountsNewIdsOnly()
    {
        await using TestServer server = await TestServer.StartAsync(host => host.Store.Limits.MaxItems = 3);
        await server.Api.CreateAsync("emb", 2);
        await server.Api.UploadVectorsAsync("emb", ("a", [1, 0]), ("b", [0, 1]));

        ApiAnswer refused = await server.Api.PostAsync("/namespaces/emb/vectors", Vectors("c", "d", "a"));
        refused.AssertStatus(409);
        Assert.That(refused.Text, Is.EqualTo(
            """{"status":"failure","message":"Item limit exceeded: 2 new items do not fit; 2 of 3 are stored and 0 reserved.","code":"item-limit-exceeded","items":2,"max_items":3,"requested_new":2,"reserved":0}"""));
        Assert.That((await server.Api.GetAsync("/jobs"))["jobs"].GetArrayLength(), Is.EqualTo(1));

        AssertCounts(await server.Api.FinishAsync(await server.Api.PostAsync("/namespaces/emb/vectors", Vectors("c", "a"))), "completed", 2, 2, 2, 0);
        ApiAnswer health = await server.Api.GetAsync("/health");
        Assert.That((health.Number("items"), health.Number("remaining")), Is.EqualTo((3L, 0L)));
    }

    [Test]
    public async Task Step17_TwoUploadsThatPassTheLimitTogether_OneIsRefused()
    {
        await using TestServer server = await TestServer.StartAsync(host => host.Store.Limits.MaxItems = 3);
        await server.Api.CreateAsync("emb", 2);

        ApiAnswer[] answers = await Task.WhenAll(
            server.Api.PostAsync("/namespaces/emb/vectors", Vectors("a", "b")), server.Api.PostAsync("/namespaces/emb/vectors", Vectors("c", "d")));

        Assert.That(answers.Select(answer => answer.Status).Order(), Is.EqualTo(new[] { 202, 409 }));
    }

    [Test]
    public async Task Upload_QueueFull_AsksToRetry()
    {
        var embedder = new TestEmbedder();
        embedder.Block();
        await using TestServer server = await TestServer.StartAsync(host =>
        {
            host.Store.Embedding.Generator = embedder;
            host.Store.Jobs.MaxPending = 1;
        });
        await server.Api.CreateAsync("docs");
        const string Body = """{"documents":[{"id":"a","text":"x"}]}""";
        ApiAnswer first = await server.Api.PostAsync("/namespaces/docs/documents", Body);

        ApiAnswer second = await server.Api.PostAsync("/namespaces/docs/documents", Body);

        second.AssertError(503, "queue-full", "Job queue is full (1 jobs waiting).");
        Assert.That(second.Headers.RetryAfter?.ToString(), Is.EqualTo("1"));
        embedder.Release();
        AssertCounts(await server.Api.FinishAsync(first), "completed", 1, 1, 1, 0);
    }

    [Test]
    public async Task Upload_EmbedderFailsForOneText_CountsAndDescribesIt()
    {
        var embedder = new TestEmbedder { FailingWord = "bad" };
        await using TestServer server = await TestServer.StartAsync(host =>
        {
            host.Store.Embedding.Generator = embedder;
            host.Store.Embedding.Attempts = 1;
        });
        await server.Api.CreateAsync("docs");

        ApiAnswer job = await server.Api.UploadDocumentsAsync("docs", ("doc-1", "good"), ("doc-2", "fine"), ("doc-3", "bad"));

        AssertCounts(job, "completed", 3, 3, 2, 1);
        Assert.That(job.String("last_error"), Is.EqualTo("Document 2 ('doc-3'): embedding failed: cannot embed 'bad'."));
        ApiAnswer details = await server.Api.GetAsync($"/jobs/{job.String("job_id")}");
        Assert.That(details["job"].EnumerateObject().Select(property => property.Name), Is.EqualTo(new[]
        {
            "job_id", "type", "namespace_name", "status", "cancelled", "total", "processed", "successful", "failed",
            "last_error", "started_at", "updated_at", "finished_at", "errors", "errors_omitted",
        }));
        Assert.That(details["job"].GetProperty("errors").GetRawText(), Is.EqualTo(
            """[{"index":2,"id":"doc-3","message":"Document 2 ('doc-3'): embedding failed: cannot embed 'bad'."}]"""));
        Assert.That(details["job"].GetProperty("errors_omitted").GetInt32(), Is.Zero);
    }

    private static object Vectors(params string[] ids) => new { vectors = ids.Select(id => new { id, vector = new[] { 1, 1 } }) };

    private static void AssertCounts(ApiAnswer job, string status, int total, int processed, int successful, int failed) => Assert.That(
        (job.String("status"), job.Number("total"), job.Number("processed"), job.Number("successful"), job.Number("failed")),
        Is.EqualTo((status, (long)total, (long)processed, (long)successful, (long)failed)));
}
