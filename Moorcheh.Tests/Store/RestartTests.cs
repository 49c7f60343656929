using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Store;

/// <summary>What was acknowledged is there after closing or a crash, and unfinished jobs go on where they were.</summary>
[CancelAfter(60_000)]
internal sealed class RestartTests
{
    private TemporaryDirectory _directory = null!;
    private TemporaryDirectory _copy = null!;

    [SetUp]
    public void SetUp()
    {
        _directory = new TemporaryDirectory();
        _copy = new TemporaryDirectory();
    }

    [TearDown]
    public void TearDown()
    {
        _directory.Dispose();
        _copy.Dispose();
    }

    [Test]
    public async Task Reopen_InTheMiddleOfAJob_GoesOnAndEmbedsNothingTwice([Values] bool crash, [Values] bool checkpoint)
    {
        using var embedder = new TestEmbedder();
        MoorchehOptions options = Options(embedder);
        options.Embedding.BatchItems = 10;
        UploadJobStatus before;
        string waiting;
        int callsBefore;
        await using (MoorchehStore store = await OpenAsync(_directory, options))
        {
            await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
            embedder.OnCall = texts =>
            {
                if (texts.Contains("text number 50 of d"))
                {
                    embedder.Block();
                }
            };
            UploadJob job = await store.UploadDocumentsAsync("docs", TextDocuments(100));
            waiting = (await store.UploadDocumentsAsync("docs", [new Document("d7", "later version")])).Id;
            await embedder.CallsBegunAsync(6).WaitAsync(Token);
            before = job.Status;
            Assert.That(before.Successful, Is.EqualTo(50));
            if (checkpoint)
            {
                await store.CheckpointAsync(Token);
            }

            callsBefore = embedder.Calls.Count;
            if (crash)
            {
                CrashCopy.Take(_directory.Path, _copy.Path);
            }
        }

        embedder.OnCall = null;
        embedder.Block();
        await using MoorchehStore again = await OpenAsync(crash ? _copy : _directory, options);
        UploadJobStatus after = again.Jobs.FindUpload("docs", before.JobId)!;
        Assert.That(after, Is.EqualTo(before));
        Assert.That(again.GetStatus(), Has.Property("Items").EqualTo(50).And.Property("ReservedItems").InRange(50, 51));
        Assert.That(await again.GetItemsAsync("docs", ["d0", "d49", "d50"]), Has.Count.EqualTo(2));
        embedder.Release();
        Assert.That(((UploadJobStatus)(await again.Jobs.WaitAsync(before.JobId, Token))!).Successful, Is.EqualTo(100));
        await again.Jobs.WaitAsync(waiting, Token);
        Assert.That((await again.GetItemsAsync("docs", ["d7"])).Single().Text, Is.EqualTo("later version"));
        Assert.That(again.GetStatus(), Has.Property("Items").EqualTo(100).And.Property("ReservedItems").Zero);
        Assert.That(
            embedder.Calls.Skip(callsBefore).SelectMany(texts => texts),
            Is.EqualTo((string[])[.. Enumerable.Range(50, 50).Select(i => $"text number {i} of d"), "later version"]));
    }

    [Test]
    public async Task Crash_DeleteHalfWay_GoesOnAndNeverFalls()
    {
        const int Count = 20_000;
        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
            await store.CreateNamespaceAsync("keep", NamespaceKind.Vector, 4);
            await store.StoreAsync("keep", TestVectors.Items(1, 20, 4));
            await store.StoreAsync("emb", TestVectors.Items(1, Count / 2, 4, "a"));
            await store.StoreAsync("emb", TestVectors.Items(2, Count / 2, 4, "b"));
            DeleteJob delete = await store.DeleteNamespaceAsync("emb");
            int copies = 0;
            while (delete.Status is { State: JobState.Running } running && copies < 4)
            {
                CrashCopy.Take(_directory.Path, _copy.Path);
                if (copies == 1)
                {
                    await store.CheckpointAsync(Token);
                }

                await using MoorchehStore again = await OpenAsync(_copy);
                copies++;
                DeleteJobStatus seen = again.Jobs.FindDelete("emb", delete.Id)!;
                Assert.That(seen.DeletedItems, Is.GreaterThanOrEqualTo(running.DeletedItems));
                Assert.That(again.FindNamespace("emb"), Is.Null);
                var done = (DeleteJobStatus)(await again.Jobs.WaitAsync(delete.Id, Token))!;
                Assert.That((done.State, done.DeletedItems, done.TotalItems), Is.EqualTo((JobState.Completed, (long)Count, (long)Count)));
                Assert.That(again.GetStatus().Items, Is.EqualTo(20));
                await again.CreateNamespaceAsync("emb", NamespaceKind.Text);
            }

            Assert.That(copies, Is.Positive, "The delete was over before it could be copied.");
            await delete.WaitAsync(Token);
        }
    }

    /// <summary>A generator that never answers and does not listen must not keep the store from closing, and loses nothing.</summary>
    [Test]
    public async Task Close_GeneratorHangs_ClosesAndGoesOnLater()
    {
        using var embedder = new TestEmbedder { IgnoresCancellation = true };
        string job;
        await using (MoorchehStore store = await OpenAsync(_directory, Options(embedder)))
        {
            await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
            embedder.Block();
            job = (await store.UploadDocumentsAsync("docs", TextDocuments(3))).Id;
            await embedder.CallsBegunAsync(1).WaitAsync(Token);
            await store.DisposeAsync().AsTask().WaitAsync(Token);
        }

        using var working = new TestEmbedder();
        await using MoorchehStore again = await OpenAsync(_directory, Options(working));
        Assert.That(((UploadJobStatus)(await again.Jobs.WaitAsync(job, Token))!).Successful, Is.EqualTo(3));
    }

    [Test]
    public async Task Reopen_MoreRecordsThanMemory_ReadsThemFromDisk()
    {
        // 8,000 records of 4 KB are twice the record memory of the least budget.
        const int Count = 8000;
        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
            for (int from = 0; from < Count; from += 1000)
            {
                await store.StoreAsync("emb", [.. Enumerable.Range(from, 1000).Select(Item)]);
                if (from == 3000)
                {
                    await store.CheckpointAsync(Token);
                }
            }

            await CheckAsync(store);
            CrashCopy.Take(_directory.Path, _copy.Path);
        }

        await using (MoorchehStore crashed = await OpenAsync(_copy))
        {
            await CheckAsync(crashed);
        }

        await using MoorchehStore closed = await OpenAsync(_directory);
        await CheckAsync(closed);
        for (int i = 0; i < Count; i += 1000)
        {
            await closed.DeleteItemsAsync("emb", [$"v{i}"]);
        }

        await closed.CheckpointAsync(Token);
        Assert.That(await closed.ListIdsAsync("emb"), Has.Count.EqualTo(Count - (Count / 1000)));

        static VectorItem Item(int i) => new($"v{i}", new float[] { 1, i, i % 13, 2 }, TestStore.Metadata("pad", $"{i}:" + new string((char)('a' + (i % 26)), 4000)));

        async Task CheckAsync(MoorchehStore store)
        {
            for (int i = 0; i < Count; i += 397)
            {
                Item found = (await store.GetItemsAsync("emb", [$"v{i}"])).Single();
                Assert.That(found.Metadata, Is.EqualTo(Item(i).Metadata));
            }

            SearchResult hits = await store.SearchAsync(new SearchRequest("emb", [1, 100, 9, 2]) { TopK = 50 });
            Assert.That(hits.Hits, Has.Count.EqualTo(50));
            foreach (SearchHit hit in hits.Hits)
            {
                Assert.That(hit.Metadata, Is.EqualTo(Item(int.Parse(hit.Id[1..], System.Globalization.CultureInfo.InvariantCulture)).Metadata));
            }
        }
    }

    [Test]
    public async Task Reopen_ManyTimes_KeepsJobsNamespacesAndTimes()
    {
        List<JobStatus> jobs = [];
        NamespaceInfo? info = null;
        for (int round = 0; round < 8; round++)
        {
            await using MoorchehStore store = await OpenAsync(_directory);
            if (round == 0)
            {
                await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
                await store.CreateNamespaceAsync("gone", NamespaceKind.Vector, 4);
                jobs.Add(await (await store.DeleteNamespaceAsync("gone")).WaitAsync(Token));
            }
            else
            {
                Assert.That(store.GetNamespace("emb"), Is.EqualTo(info));
                Assert.That(store.Jobs.List(), Is.EquivalentTo(jobs));
            }

            if (round % 2 == 0)
            {
                jobs.Add(await store.StoreAsync("emb", TestVectors.Items(round, 10, 4, $"r{round}-")));
            }

            info = store.GetNamespace("emb");
        }

        Assert.That(info!.ItemCount, Is.EqualTo(40));
    }
}
