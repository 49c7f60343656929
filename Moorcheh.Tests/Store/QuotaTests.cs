using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Store;

/// <summary>Items plus reserved places never pass the cap, and no place is lost.</summary>
[CancelAfter(60_000)]
internal sealed class QuotaTests
{
    [Test]
    public async Task Upload_PastTheCap_IsRefusedWithTheNumbers()
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory, Capped(3));
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        await store.StoreAsync("emb", TestVectors.Items(1, 2, 4));

        MoorchehException refusal = await RefusedAsync(() => store.UploadVectorsAsync("emb", [Vector("n1"), Vector("n2"), Vector("v0")]), "item-limit-exceeded");
        Assert.That(refusal.Message, Is.EqualTo("Item limit exceeded: 2 new items do not fit; 2 of 3 are stored and 0 reserved."));
        Assert.That(refusal.Facts["Items"], Is.EqualTo(2));
        Assert.That(refusal.Facts["MaxItems"], Is.EqualTo(3));
        Assert.That(refusal.Facts["RequestedNew"], Is.EqualTo(2));
        Assert.That(refusal.Facts["Reserved"], Is.Zero);

        await store.StoreAsync("emb", Vector("n1"), Vector("v0"));
        await store.StoreAsync("emb", Vector("n1"), Vector("v0"), Vector("v1")); // Updates need no place.
        Assert.That(store.GetStatus().Items, Is.EqualTo(3));
        Assert.That(store.GetStatus().ReservedItems, Is.Zero);
    }

    [Test]
    public async Task Upload_SameIdSeveralTimes_NeedsOnePlace()
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory, Capped(1));
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        await store.StoreAsync("emb", Vector("a"), Vector("a"), Vector("a"));
        Assert.That(store.GetStatus().Items, Is.EqualTo(1));
    }

    [Test]
    public async Task Upload_NoCap_TakesEverything()
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory, Capped(0));
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        await store.StoreAsync("emb", TestVectors.Items(1, 100, 4));
        Assert.That(store.GetStatus().MaxItems, Is.Zero);
    }

    [Test]
    public async Task Upload_WhileAnotherHoldsPlaces_CountsThem()
    {
        using var directory = new TemporaryDirectory();
        var embedder = new TestEmbedder();
        await using MoorchehStore store = await OpenAsync(directory, Capped(3, embedder));
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        embedder.Block();
        UploadJob job = await store.UploadDocumentsAsync("docs", TextDocuments(2, "a"));
        Assert.That(store.GetStatus().ReservedItems, Is.EqualTo(2));
        await RefusedAsync(
            () => store.UploadDocumentsAsync("docs", TextDocuments(2, "b")),
            "item-limit-exceeded",
            "Item limit exceeded: 2 new items do not fit; 0 of 3 are stored and 2 reserved.");
        embedder.Release();
        await job.WaitAsync(Token);
        Assert.That(store.GetStatus().Items, Is.EqualTo(2));
        Assert.That(store.GetStatus().ReservedItems, Is.Zero);
    }

    [Test]
    public async Task Upload_FailedItems_GiveTheirPlacesBack()
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory, Capped(3)); // No embedder: every document fails.
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        UploadJobStatus status = await (await store.UploadDocumentsAsync("docs", TextDocuments(3))).WaitAsync(Token);
        Assert.That(status.Failed, Is.EqualTo(3));
        Assert.That(store.GetStatus().ReservedItems, Is.Zero);
        await store.StoreAsync("emb", TestVectors.Items(1, 3, 4));
    }

    [Test]
    public async Task UploadsAtOnce_TogetherPastTheCap_ExactlyOnePasses()
    {
        for (int round = 0; round < 20; round++)
        {
            using var directory = new TemporaryDirectory();
            await using MoorchehStore store = await OpenAsync(directory, Capped(3));
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
            using var start = new Barrier(2);
            bool[] passed = await Task.WhenAll(Enumerable.Range(0, 2).Select(n => Task.Run(async () =>
            {
                start.SignalAndWait();
                try
                {
                    await (await store.UploadVectorsAsync("emb", TestVectors.Items(n, 2, 4, $"r{n}"))).WaitAsync(Token);
                    return true;
                }
                catch (MoorchehException e) when (e.Code == ErrorCodes.ItemLimitExceeded)
                {
                    return false;
                }
            })));
            Assert.That(passed.Count(p => p), Is.EqualTo(1));
            Assert.That(store.GetStatus().Items, Is.EqualTo(2));
        }
    }

    [Test]
    public async Task Update_ItemVanishedAndCapReached_FailsAsAnItem()
    {
        using var directory = new TemporaryDirectory();
        var embedder = new TestEmbedder();
        await using MoorchehStore store = await OpenAsync(directory, Capped(2, embedder));
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        await store.StoreAsync("docs", new Document("x", "old"));

        // Two updates of x wait; x is deleted and its place taken. Both must fail: neither has a place.
        embedder.Block();
        UploadJob first = await store.UploadDocumentsAsync("docs", [new Document("y", "first")]);
        await embedder.CallsBegunAsync(2).WaitAsync(Token);
        UploadJob one = await store.UploadDocumentsAsync("docs", [new Document("x", "new one")]);
        UploadJob two = await store.UploadDocumentsAsync("docs", [new Document("x", "new two")]);
        await store.DeleteItemsAsync("docs", ["x"]);
        await store.StoreAsync("emb", Vector("taken"));
        embedder.Release();

        await first.WaitAsync(Token);
        foreach (UploadJob job in (UploadJob[])[one, two])
        {
            UploadJobStatus status = await job.WaitAsync(Token);
            Assert.That(status.Failed, Is.EqualTo(1));
            Assert.That(status.LastError, Is.EqualTo("Document 0 ('x'): item limit of 2 reached."));
        }

        Assert.That(await store.GetItemsAsync("docs", ["x"]), Is.Empty);
        Assert.That(store.GetStatus().Items, Is.EqualTo(2));
    }

    [Test]
    public async Task Update_ItemVanishedAndRoomLeft_IsStored()
    {
        using var directory = new TemporaryDirectory();
        var embedder = new TestEmbedder();
        await using MoorchehStore store = await OpenAsync(directory, Capped(1, embedder));
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await store.StoreAsync("docs", new Document("x", "old"));
        embedder.Block();
        UploadJob job = await store.UploadDocumentsAsync("docs", [new Document("x", "new")]);
        await store.DeleteItemsAsync("docs", ["x"]);
        embedder.Release();
        Assert.That((await job.WaitAsync(Token)).Successful, Is.EqualTo(1));
        Assert.That(store.GetStatus().Items, Is.EqualTo(1));
    }

    [Test]
    public async Task Delete_ItemsOrNamespace_FreesPlacesAtOnce()
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory, Capped(3));
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        await store.CreateNamespaceAsync("other", NamespaceKind.Vector, 4);
        await store.StoreAsync("emb", TestVectors.Items(1, 3, 4));
        await store.DeleteItemsAsync("emb", ["v0", "v0", "nope"]);
        Assert.That(store.GetStatus().Items, Is.EqualTo(2));
        await store.StoreAsync("other", Vector("a"));
        await store.DeleteNamespaceAsync("emb");
        Assert.That(store.GetStatus().Items, Is.EqualTo(1));
        await store.StoreAsync("other", Vector("b"), Vector("c"));
        Assert.That(store.GetStatus().Items, Is.EqualTo(3));
    }

    [Test]
    public async Task UploadsAndDeletes_FromManyThreads_NeverPassTheCapAndLoseNoPlace()
    {
        const int Cap = 50;
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory, Capped(Cap));
        await store.CreateNamespaceAsync("a", NamespaceKind.Vector, 4);
        await store.CreateNamespaceAsync("b", NamespaceKind.Vector, 4);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (int i = 0; i < 100; i++)
            {
                string name = random.Next(2) == 0 ? "a" : "b";
                string[] ids = [.. Enumerable.Range(0, random.Next(1, 8)).Select(_ => $"v{random.Next(40)}").Distinct()];
                if (random.Next(3) == 0)
                {
                    await store.DeleteItemsAsync(name, ids);
                }
                else
                {
                    try
                    {
                        UploadJob job = await store.UploadVectorsAsync(name, [.. ids.Select(Vector)]);
                        if (random.Next(2) == 0)
                        {
                            await job.WaitAsync(Token);
                        }
                    }
                    catch (MoorchehException e) when (e.Code == ErrorCodes.ItemLimitExceeded)
                    {
                        // Expected now and then: two namespaces of 40 ids do not fit below the cap.
                    }
                }

                StoreStatus status = store.GetStatus();
                Assert.That(status.Items + status.ReservedItems, Is.InRange(0, Cap));
            }
        })));

        foreach (JobStatus job in store.Jobs.List(new JobFilter { State = JobState.Running, Limit = 200 }))
        {
            await store.Jobs.WaitAsync(job.JobId, Token);
        }

        long held = store.ListNamespaces().Sum(info => info.ItemCount);
        Assert.That(store.GetStatus().Items, Is.EqualTo(held));
        Assert.That(store.GetStatus().ReservedItems, Is.Zero);
    }

    private static MoorchehOptions Capped(long cap, TestEmbedder? embedder = null)
    {
        MoorchehOptions options = Options(embedder);
        options.Limits.MaxItems = cap;
        return options;
    }

    private static VectorItem Vector(string id) => new(id, [1, 2, 3, 4]);
}
