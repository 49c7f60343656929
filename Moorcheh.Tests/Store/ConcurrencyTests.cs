using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Store;

/// <summary>Everything at once: nothing but documented refusals, and no answer ever mixes versions of an item.</summary>
[CancelAfter(120_000)]
internal sealed class ConcurrencyTests
{
    private const int Ids = 40;
    private const int LeastSearches = 10;

    [Test]
    public async Task AllCalls_FromManyThreads_OnlyDocumentedRefusalsAndWholeVersions()
    {
        using var directory = new TemporaryDirectory();
        using var embedder = new TestEmbedder(16);
        MoorchehOptions options = Options(embedder);
        options.Storage.CheckpointJournalBytes = 1 << 20;
        await using MoorchehStore store = await OpenAsync(directory, options);
        string[] names = ["docs", "emb"];
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 16);
        int version = 0;
        int searches = 0;
        var failures = new ConcurrentQueue<Exception>();
        long end = Environment.TickCount64 + 4000;
        Task[] workers =
        [
            .. Enumerable.Range(0, 3).Select(seed => RunAsync(seed, UploadAsync)),
            .. Enumerable.Range(10, 2).Select(seed => RunAsync(seed, SearchAsync)),
            RunAsync(20, ReadAsync),
            RunAsync(30, DeleteAsync),
            RunAsync(40, RecreateAsync),
            RunAsync(50, async _ => await store.CheckpointAsync(Token)),
        ];
        await Task.WhenAll(workers).WaitAsync(Token);
        Assert.That(failures, Is.Empty);
        Assert.That(searches, Is.GreaterThan(LeastSearches));

        foreach (JobStatus job in store.Jobs.List(new JobFilter { State = JobState.Running, Limit = 200 }))
        {
            await store.Jobs.WaitAsync(job.Id, Token);
        }

        Assert.That(store.GetStatus().ReservedItems, Is.Zero);
        Assert.That(store.GetStatus().Items, Is.EqualTo(store.ListNamespaces().Sum(info => info.ItemCount)));

        async Task UploadAsync(Random random)
        {
            int now = Interlocked.Increment(ref version);
            string[] ids = [.. Enumerable.Range(0, random.Next(1, 20)).Select(_ => Id(random))];
            Job<UploadJobStatus> job = random.Next(2) == 0
                ? await store.UploadDocumentsAsync("docs", [.. ids.Select(id => new Document(id, Text(id, now), Metadata(id, now)))])
                : await store.UploadVectorsAsync("emb", [.. ids.Select(id => new VectorItem(id, Vector(id, now), Metadata(id, now)))]);
            UploadJobStatus status = await job.WaitAsync(Token);
            Assert.That(status.Successful + status.Failed, Is.EqualTo(status.Total));
            Assert.That(status.LastError, Is.Null.Or.EqualTo($"Namespace '{job.Namespace}' was deleted."));
        }

        async Task SearchAsync(Random random)
        {
            Interlocked.Increment(ref searches);
            int asked = random.Next(1, Math.Max(2, version));
            if (random.Next(2) == 0)
            {
                string query = Text(Id(random), asked);
                foreach (SearchHit hit in (await store.SearchAsync(new SearchRequest("docs", query) { TopK = 20 })).Hits)
                {
                    Assert.That(hit.Text, Is.EqualTo(Text(hit.Id, VersionOf(hit.Metadata, hit.Id))));
                    Assert.That(hit.Cosine, Is.EqualTo(BruteForce.Cosine(TestEmbedder.Embed(query, 16), TestEmbedder.Embed(hit.Text!, 16))).Within(1e-9));
                }
            }
            else
            {
                float[] query = Vector(Id(random), asked);
                IReadOnlyList<SearchHit> hits = (await store.SearchAsync(new SearchRequest("emb", query) { TopK = 20 })).Hits;
                Assert.That(hits.Select(hit => hit.Id), Is.Unique);
                foreach (SearchHit hit in hits)
                {
                    Assert.That(hit.Cosine, Is.EqualTo(BruteForce.Cosine(query, Vector(hit.Id, VersionOf(hit.Metadata, hit.Id)))).Within(1e-9));
                }
            }
        }

        async Task ReadAsync(Random random)
        {
            string name = names[random.Next(2)];
            IReadOnlyList<Item> items = random.Next(2) == 0
                ? await store.GetItemsAsync(name, [.. Enumerable.Range(0, 20).Select(_ => Id(random))])
                : (await store.ListItemsAsync(name, 30)).Items;
            foreach (Item item in items)
            {
                int found = VersionOf(item.Metadata, item.Id);
                Assert.That(item.Text, Is.EqualTo(name == "docs" ? Text(item.Id, found) : null));
            }
        }

        async Task DeleteAsync(Random random) => await store.DeleteItemsAsync(names[random.Next(2)], [Id(random), Id(random)]);

        async Task RecreateAsync(Random random)
        {
            string name = names[random.Next(2)];
            await (await store.DeleteNamespaceAsync(name)).WaitAsync(Token);
            await store.CreateNamespaceAsync(name, name == "docs" ? NamespaceKind.Text : NamespaceKind.Vector, name == "docs" ? null : 16);
            await Task.Yield();
        }

        Task RunAsync(int seed, Func<Random, Task> act) => Task.Run(async () =>
        {
            var random = new Random(seed);
            while ((Environment.TickCount64 < end || Volatile.Read(ref searches) <= LeastSearches) && failures.IsEmpty && !Token.IsCancellationRequested)
            {
                try
                {
                    await act(random);
                }
                catch (MoorchehException e) when (e.Code is ErrorCodes.NamespaceNotFound or ErrorCodes.NamespaceDeleting)
                {
                    // The namespace is just being recreated.
                }
                catch (Exception e)
                {
                    failures.Enqueue(e);
                }
            }
        });
    }

    private static string Id(Random random) => $"id{random.Next(Ids)}";

    private static string Text(string id, int version) => $"{id} version {version} of {id}{version}";

    private static ItemMetadata Metadata(string id, int version) => new JsonObject { ["id"] = id, ["version"] = version };

    private static float[] Vector(string id, int version) =>
        TestVectors.Gaussian(new Random((int.Parse(id[2..], CultureInfo.InvariantCulture) * 100_003) + version), 16);

    private static int VersionOf(ItemMetadata metadata, string id)
    {
        System.Text.Json.JsonElement json = metadata.ToElement();
        Assert.That(json.GetProperty("id").GetString(), Is.EqualTo(id));
        return json.GetProperty("version").GetInt32();
    }
}
