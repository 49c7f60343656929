using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Moorcheh.Artifacts;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Artifacts;

/// <summary>What an ingest stores, what it skips, what it refuses, and that a failed one changes nothing.</summary>
internal sealed class IngestTests : ArtifactFixture
{
    [Test]
    public async Task Ingest_Text_IsListedReadAndFound()
    {
        ArtifactInfo? info = await Artifacts.IngestAsync(Text("docs", "a", "Hello world", """{"department":"finance","artifact_id":"x","file_name":"r.txt"}"""));
        string hash = Convert.ToHexStringLower(SHA256.HashData("Hello world"u8));
        Assert.That(info!.Metadata.ToString(), Is.EqualTo(
            $$"""{"file_name":"r.txt","department":"finance","artifact_id":"a","collection":"docs","llm_model":"default","embed_model":"bag","hash":"{{hash}}"}"""));
        Assert.That(await Artifacts.ListAsync("docs"), Is.EqualTo((ArtifactInfo[])[info]));
        ArtifactContent? content = await Artifacts.ReadAsync("docs", "a");
        Assert.That((content!.Info, content.Chunks.Single().Text), Is.EqualTo((info, "Hello world")));
        Assert.That(content.Chunks.Single().Id, Is.EqualTo($"{content.Id}_chunk_0"));
        SearchHit hit = (await Store.SearchAsync(new SearchRequest("docs", "hello"))).Hits.Single();
        Assert.That(hit.Id, Is.EqualTo(content.Chunks.Single().Id));
        Assert.That(hit.Metadata!.ToString(), Is.EqualTo(info.Metadata.ToString()[..^1] + ",\"chunk_index\":0,\"chunk_count\":1}"));
        NamespaceInfo created = Store.GetNamespace("docs");
        Assert.That((created.Kind, created.ItemCount, Items), Is.EqualTo((NamespaceKind.Text, 1L, 1L)));
    }

    [Test]
    public async Task Ingest_ManyChunks_JoinedAreTheText()
    {
        string text = Lines(45);
        await Artifacts.IngestAsync(Text("docs", "long", text));
        ArtifactContent? content = await Artifacts.ReadAsync("docs", "long");
        Assert.That(string.Concat(content!.Chunks.Select(chunk => chunk.Text)), Is.EqualTo(text));
        Assert.That(content.Chunks.Select(chunk => chunk.Id), Is.EqualTo(Enumerable.Range(0, 45).Select(i => $"{content.Id}_chunk_{i}")));
        Assert.That(Items, Is.EqualTo(45));
        Assert.That(Embedder.Calls.Max(call => call.Count), Is.EqualTo(10));
        Assert.That(await SearchAsync("docs", "filler"), Has.Length.EqualTo(45));
    }

    [Test]
    public async Task Ingest_SameAgain_IsSkipped()
    {
        await Artifacts.IngestAsync(Text("docs", "a", "Hello", """{"k":1}"""));
        int calls = Embedder.Calls.Count;
        Assert.That(await Artifacts.IngestAsync(Text("docs", "a", "Hello", """{"k":1}""")), Is.Null);
        ArtifactTaskStatus task = await EndedAsync(await Artifacts.StartIngestAsync(Text("docs", "a", "Hello", """{"k":1}""")), ArtifactTaskState.Success);
        Assert.That((task.IsSkipped, await Artifacts.FindResultAsync(task.JobId)), Is.EqualTo((true, (ArtifactInfo?)null)));
        Assert.That(Embedder.Calls, Has.Count.EqualTo(calls));
        Assert.That(await Artifacts.IngestAsync(Text("docs", "a", "Hello", """{"k":2}""")), Is.Not.Null, "Other metadata.");
        Assert.That(await Artifacts.IngestAsync(Text("docs", "b", "Hello", """{"k":2}""")), Is.Not.Null, "Another artifact.");
        Assert.That(Items, Is.EqualTo(2));
    }

    [TestCase(30, 10)]
    [TestCase(10, 30)]
    public async Task Ingest_OtherText_ReplacesAllChunks(int before, int after)
    {
        await Artifacts.IngestAsync(Text("docs", "a", Lines(before, "old")));
        await Artifacts.IngestAsync(Text("docs", "other", "other"));
        await Artifacts.IngestAsync(Text("docs", "a", Lines(after, "new")));
        Assert.That(await ReadTextAsync("docs", "a"), Is.EqualTo(Lines(after, "new")));
        Assert.That(Items, Is.EqualTo(after + 1));
        Assert.That(Store.GetStatus().ReservedItems, Is.Zero);
        Assert.That(await Store.ListIdsAsync("docs"), Has.Count.EqualTo(after + 1));
        await ReopenAsync();
        Assert.That(await ReadTextAsync("docs", "a"), Is.EqualTo(Lines(after, "new")));
        Assert.That(Items, Is.EqualTo(after + 1));
    }

    [Test]
    public async Task Ingest_FilesOfEachBuiltInFormat_AreReadAsText([Values(".txt", ".md", ".csv", ".json", ".TXT")] string suffix)
    {
        byte[] content = [.. Encoding.UTF8.Preamble, .. "# Häuser, 家\n"u8];
        ArtifactInfo? info = await Artifacts.IngestAsync(File("docs", "a", $"x{suffix}", content));
        Assert.That(await ReadTextAsync("docs", "a"), Is.EqualTo("# Häuser, 家\n"));
        Assert.That(info!.Metadata.ToElement().GetProperty("hash").GetString(), Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(content))), "Of the bytes as sent.");
    }

    private static IEnumerable<TestCaseData> Unusable()
    {
        yield return Case("empty text", Text("docs", "a", ""), InvalidFile.Size);
        yield return Case("blank text", Text("docs", "a", " \n\t"), InvalidFile.NoNodes);
        yield return Case("no suffix", File("docs", "a", "uploaded_file", "x"), InvalidFile.Extension);
        yield return Case("unknown suffix", File("docs", "a", "x.exe", "x"), InvalidFile.Extension);
        yield return Case("not UTF-8", File("docs", "a", "x.txt", [(byte)'a', 0xC3, 0x28]), InvalidFile.Malformed);
        yield return Case("empty file", File("docs", "a", "x.txt", ""), InvalidFile.Size);
        yield return Case("too many chunks", Text("docs", "a", Lines(51)), InvalidFile.TooManyNodes);

        static TestCaseData Case(string name, ArtifactIngest ingest, string reason) => new TestCaseData(ingest, reason).SetArgDisplayNames(name);
    }

    private protected override MoorchehOptions Options()
    {
        MoorchehOptions options = base.Options();
        options.Artifacts.MaxChunks = 50;
        options.Limits.MaxItems = 60;
        return options;
    }

    [TestCaseSource(nameof(Unusable))]
    public async Task Ingest_Unusable_FailsAndLeavesNothing(ArtifactIngest ingest, string reason)
    {
        string text = $"InvalidFileError(errors=['zpgt.ingest.{reason}.error'], warnings=[])";
        await RefusedAsync(() => Artifacts.IngestAsync(ingest), ErrorCodes.InvalidFile, text);
        ArtifactTaskStatus task = await EndedAsync(await Artifacts.StartIngestAsync(ingest), ArtifactTaskState.Failure);
        Assert.That((task.LastError, task.ErrorCode), Is.EqualTo((text, ErrorCodes.InvalidFile)));
        Assert.That(Store.ListNamespaces(), Is.Empty);
        Assert.That((Items, Store.GetStatus().ReservedItems, Store.GetStatus().RunningJobs), Is.EqualTo((0L, 0L, 0)));
        Assert.That(await Artifacts.ReadAsync("docs", "a"), Is.Null);
    }

    [Test]
    public async Task Ingest_EmbedderFails_KeepsTheEarlierVersion()
    {
        await Artifacts.IngestAsync(Text("docs", "a", Lines(20, "old")));
        Embedder.FailingWord = "new15";
        await RefusedAsync(() => Artifacts.IngestAsync(Text("docs", "a", Lines(30, "new"))), ErrorCodes.EmbedderFailed, "Embedding failed: cannot embed 'new15'.");
        Assert.That(await ReadTextAsync("docs", "a"), Is.EqualTo(Lines(20, "old")));
        Assert.That((Items, Store.GetStatus().ReservedItems), Is.EqualTo((20L, 0L)));
        Assert.That(await Store.ListIdsAsync("docs"), Has.Count.EqualTo(20));
    }

    [Test]
    public async Task Ingest_OverTheItemCap_FailsWithoutEmbedding()
    {
        await Artifacts.IngestAsync(Text("docs", "a", Lines(50)));
        int calls = Embedder.Calls.Count;
        await RefusedAsync(
            () => Artifacts.IngestAsync(Text("docs", "b", Lines(11))),
            ErrorCodes.ItemLimitExceeded,
            "Item limit exceeded: 11 new items do not fit; 50 of 60 are stored and 0 reserved.");
        Assert.That(Embedder.Calls, Has.Count.EqualTo(calls));
        await Artifacts.IngestAsync(Text("docs", "b", Lines(10)));
        await Artifacts.IngestAsync(Text("docs", "a", Lines(50, "again")));
        Assert.That((Items, Store.GetStatus().ReservedItems), Is.EqualTo((60L, 0L)));
    }

    [Test]
    public async Task Ingest_OtherModel_IsRefusedByTheCollection()
    {
        await Artifacts.IngestAsync(Text("docs", "a", "text"));
        await Store.DisposeAsync();
        MoorchehOptions options = Options();
        options.Embedding.Generator = new TestEmbedder(16, model: "other");
        Store = await TestStore.OpenAsync(Data, options);
        await RefusedAsync(
            () => Artifacts.IngestAsync(Text("docs", "b", "text")),
            ErrorCodes.EmbeddingModelMismatch,
            "Namespace 'docs' was embedded with 'test/bag' (32 values); the server now uses 'test/other' (16 values).");
        Assert.That(await ListAsync("docs"), Is.EqualTo((string[])["a"]));
    }

    [Test]
    public async Task Ingest_WithoutAnEmbedder_Fails()
    {
        await Store.DisposeAsync();
        MoorchehOptions options = Options();
        options.Embedding.Generator = null;
        Store = await TestStore.OpenAsync(Data, options);
        await RefusedAsync(() => Artifacts.IngestAsync(Text("docs", "a", "x")), ErrorCodes.EmbedderMissing, "No embedding provider is configured.");
    }

    [Test]
    public async Task Ingest_IntoAVectorNamespace_IsRefusedAtOnce()
    {
        await Store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        const string Text1 = "Namespace 'emb' is a vector namespace; a collection needs a text namespace.";
        await RefusedAsync(() => Artifacts.IngestAsync(Text("emb", "a", "x")), ErrorCodes.WrongNamespaceType, Text1);
        await RefusedAsync(() => Artifacts.StartIngestAsync(Text("emb", "a", "x")), ErrorCodes.WrongNamespaceType, Text1);
        Assert.That(await Artifacts.ListAsync("emb"), Is.Empty);
    }

    /// <summary>A reader sees the earlier version until everything of the new one is stored, and never a mixture.</summary>
    [Test]
    public async Task Ingest_WhileItRuns_TheEarlierVersionIsReadable()
    {
        await Artifacts.IngestAsync(Text("docs", "a", Lines(20, "old")));
        Embedder.OnCall = texts =>
        {
            if (texts[0].StartsWith("new20 ", StringComparison.Ordinal))
            {
                Embedder.Block();
            }
        };
        ArtifactTaskStatus task = await Artifacts.StartIngestAsync(Text("docs", "a", Lines(30, "new")));
        await Embedder.CallsBegunAsync(5);
        Assert.That(Artifacts.FindTask(task.JobId)!.TaskState, Is.EqualTo(ArtifactTaskState.Started));
        Assert.That(await ReadTextAsync("docs", "a"), Is.EqualTo(Lines(20, "old")));
        Assert.That(await Store.ListIdsAsync("docs"), Has.Count.EqualTo(20));
        Assert.That((Items, Store.GetStatus().ReservedItems), Is.EqualTo((20L, 10L)));
        Embedder.OnCall = null;
        Embedder.Release();
        ArtifactTaskStatus ended = await EndedAsync(task, ArtifactTaskState.Success);
        Assert.That(await ReadTextAsync("docs", "a"), Is.EqualTo(Lines(30, "new")));
        Assert.That(await Artifacts.FindResultAsync(ended.JobId), Is.EqualTo((await Artifacts.ListAsync("docs")).Single()));
    }

    /// <summary>Readers beside a writer that replaces a document again and again get one version or the other.</summary>
    [Test]
    public async Task Read_WhileReplaced_GivesOneVersion()
    {
        string[] versions = [Lines(5, "v0x"), Lines(12, "v1x"), Lines(8, "v2x")];
        await Artifacts.IngestAsync(Text("docs", "a", versions[0]));
        using var stop = new CancellationTokenSource();
        Task<int> reading = Task.Run(async () =>
        {
            int reads = 0;
            while (!stop.IsCancellationRequested)
            {
                Assert.That(versions, Does.Contain(await ReadTextAsync("docs", "a")));
                reads++;
            }

            return reads;
        });
        for (int i = 1; i < 40; i++)
        {
            await Artifacts.IngestAsync(Text("docs", "a", versions[i % 3]));
        }

        await stop.CancelAsync();
        Assert.That(await reading, Is.Positive);
    }

    [Test]
    public async Task Ingest_CallerMetadataWithChunkKeys_ServerKeysWinInTheItems()
    {
        await Artifacts.IngestAsync(Text("docs", "a", "x", """{"chunk_index":"mine","k":[1]}"""));
        JsonObject item = JsonNode.Parse((await Store.GetItemsAsync("docs", [(await Artifacts.ReadAsync("docs", "a"))!.Chunks[0].Id]))[0].Metadata.ToString())!.AsObject();
        Assert.That((item["chunk_index"]!.ToJsonString(), item["chunk_count"]!.ToJsonString()), Is.EqualTo(("0", "1")));
        Assert.That((await Artifacts.ListAsync("docs")).Single().Metadata.ToString(), Does.Contain("\"chunk_index\":\"mine\""));
    }

    [Test]
    public void Ingest_NamesOutOfRange_AreArgumentErrors()
    {
        string longest = string.Concat(Enumerable.Repeat("😀", 255));
        Assert.That(async () => await Artifacts.IngestAsync(Text("", "a", "x")), Throws.ArgumentException);
        Assert.That(async () => await Artifacts.IngestAsync(Text("c", longest + "x", "x")), Throws.ArgumentException);
        Assert.That(async () => await Artifacts.IngestAsync(Text("c", "\ud800", "x")), Throws.ArgumentException);
        Assert.That(async () => await Artifacts.IngestAsync(Text(longest, longest, "x")), Throws.Nothing);
    }

    [Test]
    public async Task StartIngest_QueueFull_IsRefusedButDeletesAreNot()
    {
        await Store.DisposeAsync();
        MoorchehOptions options = Options();
        options.Artifacts.MaxPendingTasks = 2;
        Store = await TestStore.OpenAsync(Data, options);
        Embedder.Block();
        ArtifactTaskStatus first = await Artifacts.StartIngestAsync(Text("docs", "a", "x"));
        await Artifacts.StartIngestAsync(Text("docs", "b", "x"));
        await RefusedAsync(() => Artifacts.StartIngestAsync(Text("docs", "c", "x")), ErrorCodes.QueueFull, "Task queue is full (2 tasks waiting).");
        ArtifactTaskStatus delete = await Artifacts.StartDeleteAsync("docs", "a");
        Assert.That(Artifacts.FindTask(first.JobId)!.TaskState, Is.EqualTo(ArtifactTaskState.Revoked));
        await EndedAsync(delete, ArtifactTaskState.Success);
        await Artifacts.StartIngestAsync(Text("docs", "c", "x"));
    }
}
