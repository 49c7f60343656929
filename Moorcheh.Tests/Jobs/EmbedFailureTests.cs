using Microsoft.Extensions.Logging;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Jobs;

/// <summary>An embedder may fail in every way; a job counts what failed, says why, and ends.</summary>
[CancelAfter(60_000)]
internal sealed class EmbedFailureTests
{
    private TemporaryDirectory _directory = null!;

    [SetUp]
    public void SetUp() => _directory = new TemporaryDirectory();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [Test]
    public async Task Upload_OneTextCannotBeEmbedded_FailsAlone()
    {
        using var embedder = new TestEmbedder { FailingWord = "BAD" };
        await using MoorchehStore store = await OpenAsync(embedder, attempts: 1);
        Document[] documents = TextDocuments(10);
        documents[3] = new Document("doc-4", "a BAD text");
        UploadJobStatus status = await (await store.UploadDocumentsAsync("docs", documents)).WaitAsync(Token);
        Assert.That((status.State, status.Successful, status.Failed, status.Processed), Is.EqualTo((JobState.Completed, 9, 1, 10)));
        Assert.That(status.LastError, Is.EqualTo("Document 3 ('doc-4'): embedding failed: cannot embed 'BAD'."));
        Assert.That((await store.Jobs.FindErrorsAsync(status.Id, Token))!.Errors, Is.EqualTo((ItemError[])[new(3, "doc-4", status.LastError!)]));
        Assert.That(await store.GetItemsAsync("docs", ["doc-4"]), Is.Empty);
    }

    [Test]
    public async Task Upload_FirstTextsCannotBeEmbedded_TheOthersStillAre()
    {
        using var embedder = new TestEmbedder { FailingWord = "BAD" };
        await using MoorchehStore store = await OpenAsync(embedder, attempts: 1);
        Document[] documents = [.. Enumerable.Range(0, 20).Select(i => new Document($"d{i}", i < 5 ? "BAD" : $"good {i}"))];
        UploadJobStatus status = await (await store.UploadDocumentsAsync("docs", documents)).WaitAsync(Token);
        Assert.That((status.Successful, status.Failed), Is.EqualTo((15, 5)));
    }

    /// <summary>With a time-out for each text a dead generator would hold the job for hours.</summary>
    [Test]
    public async Task Upload_GeneratorIsDown_IsNotAskedForEveryText()
    {
        using var embedder = new TestEmbedder();
        embedder.FailNextCalls(int.MaxValue);
        await using MoorchehStore store = await OpenAsync(embedder, attempts: 1);
        UploadJobStatus status = await (await store.UploadDocumentsAsync("docs", TextDocuments(64))).WaitAsync(Token);
        Assert.That(status.Failed, Is.EqualTo(64));
        Assert.That(status.LastError, Is.EqualTo("Document 63 ('d63'): embedding failed: connection refused."));
        Assert.That(embedder.Calls, Has.Count.LessThanOrEqualTo(5));
    }

    /// <summary>What a service refuses to everybody is not asked for again, and what no text can be the reason of is not asked for each text.</summary>
    [TestCase(401, 1)]
    [TestCase(403, 1)]
    [TestCase(404, 1)]
    [TestCase(307, 1)]
    [TestCase(429, 2)]
    [TestCase(503, 2)]
    [TestCase(null, 2)]
    [TestCase(400, 2 + 4)]
    [TestCase(500, 2 + 4)]
    public async Task Upload_ServiceFails_IsAskedAgainWhereThatCanHelp(int? status, int calls)
    {
        using var embedder = new TestEmbedder();
        embedder.Distort = (_, _) => throw new HttpRequestException("no", null, (System.Net.HttpStatusCode?)status);
        var clock = new ManualTimeProvider();
        await using MoorchehStore store = await OpenAsync(embedder, attempts: 2, clock);
        Task<UploadJobStatus> waiting = (await store.UploadDocumentsAsync("docs", TextDocuments(10))).WaitAsync(Token);
        await clock.AdvanceUntilAsync(waiting, Token);
        Assert.That((await waiting).Failed, Is.EqualTo(10));
        Assert.That((await waiting).LastError, Is.EqualTo("Document 9 ('d9'): embedding failed: no."));
        Assert.That(embedder.Calls, Has.Count.EqualTo(calls));
    }

    /// <summary>Whoever uploads vectors must not wait for an embedder that does not answer, however many namespaces do.</summary>
    [Test]
    public async Task Upload_GeneratorStalls_VectorsGoOn()
    {
        using var embedder = new TestEmbedder();
        embedder.Block();
        MoorchehOptions options = Options(embedder);
        options.Jobs.Workers = 1;
        await using MoorchehStore store = await TestStore.OpenAsync(_directory, options);
        await store.CreateNamespaceAsync("vectors", NamespaceKind.Vector, 2);
        List<Job<UploadJobStatus>> texts = [];
        for (int i = 0; i < 3; i++)
        {
            await store.CreateNamespaceAsync($"texts{i}", NamespaceKind.Text);
            texts.Add(await store.UploadDocumentsAsync($"texts{i}", TextDocuments(1)));
        }

        await embedder.CallsBegunAsync(1).WaitAsync(Token);
        UploadJobStatus vectors = await (await store.UploadVectorsAsync("vectors", [new("a", new float[] { 1, 0 })])).WaitAsync(Token);
        Assert.That(vectors.Successful, Is.EqualTo(1));
        Assert.That(texts.Select(job => store.Jobs.Find(job.Id)!.State), Is.All.EqualTo(JobState.Running));
        embedder.Release();
        foreach (Job<UploadJobStatus> job in texts)
        {
            Assert.That((await job.WaitAsync(Token)).Successful, Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Upload_CallFailsTwice_IsTriedAgainAfterHalfASecondAndASecond()
    {
        using var embedder = new TestEmbedder();
        embedder.FailNextCalls(2);
        var clock = new ManualTimeProvider();
        List<DateTimeOffset> times = [];
        embedder.OnCall = _ => times.Add(clock.GetUtcNow());
        await using MoorchehStore store = await OpenAsync(embedder, attempts: 3, clock);
        Task<UploadJobStatus> waiting = (await store.UploadDocumentsAsync("docs", TextDocuments(3))).WaitAsync(Token);
        await clock.AdvanceUntilAsync(waiting, Token);
        Assert.That((await waiting).Successful, Is.EqualTo(3));
        Assert.That(embedder.Calls, Has.Count.EqualTo(3));
        Assert.That((times[1] - times[0]).TotalSeconds, Is.GreaterThanOrEqualTo(0.5));
        Assert.That((times[2] - times[1]).TotalSeconds, Is.GreaterThanOrEqualTo(1));
    }

    [Test]
    public async Task Upload_GeneratorStalls_FailsTheItemsAfterTheTimeAndTheNextOnesGoOn()
    {
        using var embedder = new TestEmbedder { IgnoresCancellation = true };
        embedder.Block();
        var clock = new ManualTimeProvider();
        await using MoorchehStore store = await OpenAsync(embedder, attempts: 2, clock);
        Task<UploadJobStatus> waiting = (await store.UploadDocumentsAsync("docs", TextDocuments(3))).WaitAsync(Token);
        await clock.AdvanceUntilAsync(waiting, Token);
        UploadJobStatus status = await waiting;
        Assert.That(status.Failed, Is.EqualTo(3));
        Assert.That(status.LastError, Is.EqualTo("Document 2 ('d2'): embedding failed: no answer within 300 s."));
        embedder.Release();
        await store.StoreAsync("docs", TextDocuments(3));
    }

    [Test]
    public async Task Status_GeneratorStalls_TellsSinceWhenAndTheLogToo()
    {
        using var embedder = new TestEmbedder();
        embedder.Block();
        var clock = new ManualTimeProvider();
        var logger = new RecordingLogger();
        using var factory = new LoggerFactory([logger]);
        using var directory = new TemporaryDirectory();
        MoorchehOptions options = Options(embedder);
        options.TimeProvider = clock;
        options.Embedding.Timeout = TimeSpan.FromSeconds(3600);
        options.LoggerFactory = factory;
        await using MoorchehStore store = await TestStore.OpenAsync(directory, options);
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        Assert.That(store.GetStatus().LongestStep, Is.EqualTo(TimeSpan.Zero));
        Job<UploadJobStatus> upload = await store.UploadDocumentsAsync("docs", TextDocuments(1));
        await clock.AdvanceUntilAsync(() => embedder.Calls.Count > 0, Token);
        TimeSpan before = store.GetStatus().LongestStep;
        clock.Advance(TimeSpan.FromMinutes(11));
        Assert.That(store.GetStatus().LongestStep - before, Is.EqualTo(TimeSpan.FromMinutes(11)));
        Assert.That(logger.Entries.Select(entry => entry.Message), Has.Some.Contains("step for namespace docs does not come back"));
        embedder.Release();
        await upload.WaitAsync(Token);
        await clock.AdvanceUntilAsync(() => store.GetStatus().LongestStep == TimeSpan.Zero, Token);
    }

    private static IEnumerable<TestCaseData> Nonsense()
    {
        yield return Case("NaN", (_, vectors) => [.. vectors.Select(vector => (float[])[float.NaN, .. vector[1..]])], "the generator gave a vector with a value that is not finite");
        yield return Case("empty", (_, vectors) => [.. vectors.Select(_ => Array.Empty<float>())], "the generator gave a vector of 0 values");
        yield return Case("short", (_, vectors) => [.. vectors.Select(vector => vector[1..])], "the generator gave a vector of 31 values instead of 32");
        yield return Case("fewer", (_, vectors) => vectors[1..], "the generator gave 0 vectors for 1 texts");

        static TestCaseData Case(string name, Func<IReadOnlyList<string>, List<float[]>, List<float[]>> distort, string error) =>
            new TestCaseData(distort, error).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Nonsense))]
    public async Task Upload_GeneratorAnswersNonsense_FailsTheItem(Func<IReadOnlyList<string>, List<float[]>, List<float[]>> distort, string error)
    {
        using var embedder = new TestEmbedder { Distort = distort };
        await using MoorchehStore store = await OpenAsync(embedder, attempts: 1);
        UploadJobStatus status = await (await store.UploadDocumentsAsync("docs", TextDocuments(1))).WaitAsync(Token);
        Assert.That((status.State, status.Failed), Is.EqualTo((JobState.Completed, 1)));
        Assert.That(status.LastError, Is.EqualTo($"Document 0 ('d0'): embedding failed: {error}."));
        await RefusedAsync(
            () => store.SearchAsync(new SearchRequest("docs", "x")), "embedder-failed", $"Embedding the query failed: {error}.");
        Assert.That(store.GetNamespace("docs"), Has.Property("ItemCount").Zero.And.Property("Embedder").Null);
    }

    /// <summary>The outcome of a batch must fit a journal entry, or its job would be tried for ever.</summary>
    [Test]
    public async Task Upload_LargeBatchesOfLongVectorsOrErrors_Ends([Values] bool fails)
    {
        using var embedder = new TestEmbedder(2048, declaresDimension: false);
        embedder.Distort = fails ? (texts, _) => throw new InvalidOperationException(new string('é', 2000)) : null;
        MoorchehOptions options = Options(embedder);
        options.Embedding.BatchItems = 2000;
        options.Embedding.Attempts = 1;
        await using MoorchehStore store = await TestStore.OpenAsync(_directory, options);
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        UploadJobStatus status = await (await store.UploadDocumentsAsync(
            "docs", [.. Enumerable.Range(0, 2000).Select(i => new Document(i.ToString("D500"), $"text {i}"))])).WaitAsync(Token);
        Assert.That((status.Successful, status.Failed), Is.EqualTo(fails ? (0, 2000) : (2000, 0)));
        Assert.That(embedder.Calls, Has.Count.EqualTo(fails ? 5 : 1));
    }

    [Test]
    public async Task OtherModel_BoundNamespace_IsRefusedAtTheDoorAndInSearch()
    {
        using var first = new TestEmbedder(32, "onnx", "all-minilm");
        await using (MoorchehStore store = await OpenAsync(first))
        {
            await store.StoreAsync("docs", TextDocuments(2));
            Assert.That(store.GetNamespace("docs").Embedder, Is.EqualTo(new EmbedderFingerprint("onnx", "all-minilm", 32)));
        }

        using var second = new TestEmbedder(16, "onnx", "bge-small");
        await using MoorchehStore again = await TestStore.OpenAsync(_directory, Options(second));
        const string Message = "Namespace 'docs' was embedded with 'onnx/all-minilm' (32 values); the server now uses 'onnx/bge-small' (16 values).";
        await RefusedAsync(() => again.UploadDocumentsAsync("docs", TextDocuments(1, "n")), "embedding-model-mismatch", Message);
        await RefusedAsync(() => again.SearchAsync(new SearchRequest("docs", "text")), "embedding-model-mismatch", Message);
        Assert.That(second.Calls, Is.Empty);

        // An empty namespace is free for any model.
        await again.DeleteItemsAsync("docs", ["d0", "d1"]);
        Assert.That(await again.FindAsync(new SearchRequest("docs", "text")), Is.Empty);
        await again.StoreAsync("docs", TextDocuments(3));
        Assert.That(await again.FindAsync(new SearchRequest("docs", "text")), Has.Length.EqualTo(3));
    }

    [Test]
    public async Task OtherModel_UploadAcceptedBefore_FailsAsItems()
    {
        using var first = new TestEmbedder(32, "onnx", "all-minilm");
        string job;
        await using (MoorchehStore store = await OpenAsync(first))
        {
            await store.StoreAsync("docs", TextDocuments(1));
            first.Block();
            job = (await store.UploadDocumentsAsync("docs", TextDocuments(2, "waiting"))).Id;
            await first.CallsBegunAsync(2).WaitAsync(Token);
        }

        using var second = new TestEmbedder(32, "onnx", "bge-small");
        await using MoorchehStore again = await TestStore.OpenAsync(_directory, Options(second));
        var status = (UploadJobStatus)(await again.Jobs.WaitAsync(job, Token))!;
        Assert.That(status.Failed, Is.EqualTo(2));
        Assert.That(
            status.LastError,
            Is.EqualTo("Document 1 ('waiting1'): namespace was embedded with 'onnx/all-minilm'; the server now uses 'onnx/bge-small'."));
    }

    /// <summary>The length of the vectors is only known once the generator has answered; the stored vectors must survive that.</summary>
    [Test]
    public async Task OtherDimension_NotDeclared_IsRefusedAndHarmsNothing()
    {
        using var first = new TestEmbedder(32, declaresDimension: false);
        await using (MoorchehStore store = await OpenAsync(first))
        {
            await store.StoreAsync("docs", TextDocuments(5));
        }

        using var second = new TestEmbedder(16, declaresDimension: false);
        await using (MoorchehStore other = await TestStore.OpenAsync(_directory, Options(second)))
        {
            UploadJobStatus status = await (await other.UploadDocumentsAsync("docs", TextDocuments(2, "n"))).WaitAsync(Token);
            Assert.That(status.Failed, Is.EqualTo(2));
            Assert.That(status.LastError, Is.EqualTo("Document 1 ('n1'): namespace was embedded with 'test/bag' (32 values); the server now uses 'test/bag' (16 values)."));
        }

        using var third = new TestEmbedder(16, declaresDimension: false);
        await using (MoorchehStore other = await TestStore.OpenAsync(_directory, Options(third)))
        {
            await RefusedAsync(
                () => other.SearchAsync(new SearchRequest("docs", "text")),
                "embedding-model-mismatch",
                "Namespace 'docs' was embedded with 'test/bag' (32 values); the server now uses 'test/bag' (16 values).");
        }

        await using MoorchehStore again = await TestStore.OpenAsync(_directory, Options(first));
        Assert.That(await again.FindAsync(new SearchRequest("docs", "text")), Has.Length.EqualTo(5));
        Assert.That(await again.ListIdsAsync("docs"), Has.Count.EqualTo(5));
    }

    private async Task<MoorchehStore> OpenAsync(TestEmbedder embedder, int attempts = 1, TimeProvider? clock = null)
    {
        MoorchehOptions options = Options(embedder);
        options.Embedding.Attempts = attempts;
        options.TimeProvider = clock ?? TimeProvider.System;
        MoorchehStore store = await TestStore.OpenAsync(_directory, options);
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        return store;
    }
}
