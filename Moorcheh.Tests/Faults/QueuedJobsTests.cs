using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Faults;

/// <summary>Many jobs at once, over a restart, with a generator that misbehaves: all of them end, and their counters are right.</summary>
[Category("Faults")]
[CancelAfter(120_000)]
internal sealed class QueuedJobsTests
{
    private const int Queued = 200;

    [Test]
    public async Task Restart_With200QueuedUploads_CarriesOutEachOnceInOrder()
    {
        using var directory = new TemporaryDirectory();
        using var copy = new TemporaryDirectory();
        using var embedder = new TestEmbedder();
        using var after = new TestEmbedder { FailingWord = "poison" };
        embedder.Block();
        List<string> jobs = [];
        MoorchehOptions options = Options(embedder);
        await using (MoorchehStore store = await OpenAsync(directory, options))
        {
            await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
            for (int i = 0; i < Queued; i++)
            {
                // Each replaces "same"; every 40th has an item that cannot be embedded.
                Document[] documents = [new("same", $"version {i}"), new($"d{i}", i % 40 == 7 ? $"poison {i}" : $"text {i}")];
                jobs.Add((await store.UploadDocumentsAsync("docs", documents)).Id);
            }

            CrashCopy.Take(directory.Path, copy.Path);
            embedder.Release();
        }

        await using MoorchehStore crashed = await OpenAsync(copy, Options(after));
        foreach (string job in jobs)
        {
            var status = (UploadJobStatus)(await crashed.Jobs.WaitAsync(job, Token))!;
            bool isPoisoned = jobs.IndexOf(job) % 40 == 7;
            Assert.That((status.State, status.Successful, status.Failed), Is.EqualTo((JobState.Completed, isPoisoned ? 1 : 2, isPoisoned ? 1 : 0)));
        }

        Assert.That((await crashed.GetItemsAsync("docs", ["same"])).Single().Text, Is.EqualTo($"version {Queued - 1}"));
        StoreStatus end = crashed.GetStatus();
        Assert.That((end.Items, end.ReservedItems, end.RunningJobs), Is.EqualTo((1L + Queued - 5, 0L, 0)));
        Assert.That(after.Calls.Where(texts => !texts.Any(text => text.Contains("poison", StringComparison.Ordinal))).SelectMany(texts => texts), Is.Unique);
    }

    [Test]
    public async Task Uploads_TenThousandOfOneItem_AllEnd()
    {
        const int Count = 10_000;
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 8);
        VectorItem[] items = TestVectors.Items(8, Count, 8);
        int refused = 0;
        await Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = Token }, async (item, token) =>
        {
            while (true)
            {
                try
                {
                    await store.UploadVectorsAsync("emb", [item], token);
                    return;
                }
                catch (MoorchehException e) when (e.Code == ErrorCodes.QueueFull)
                {
                    Interlocked.Increment(ref refused);
                    await Task.Delay(5, token);
                }
            }
        });
        while (store.GetStatus().RunningJobs > 0)
        {
            await Task.Delay(10, Token);
        }

        Assert.That(store.GetStatus().Items, Is.EqualTo(Count));
        float[] query = TestVectors.Gaussian(new Random(1), 8);
        Assert.That(await store.FindAsync(new SearchRequest("emb", query)), Is.EqualTo(BruteForce.Nearest(items, query, 10)));
        await TestContext.Out.WriteLineAsync($"{refused} uploads were told that the queue is full, and sent again.");
    }
}
