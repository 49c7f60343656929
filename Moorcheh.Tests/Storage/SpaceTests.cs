using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Storage;

/// <summary>Deleted data must give its space back on disk. Checkpoints are asked for, so that the test does not wait for the clock.</summary>
[CancelAfter(180_000)]
internal sealed class SpaceTests
{
    [Test]
    public async Task DeleteNamespace_AgainAndAgain_DiskStaysBounded(CancellationToken token)
    {
        const int Dimension = 512;
        const int Count = 20_000;
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await MoorchehStore.OpenAsync(
            directory.Path, new MoorchehOptions { Storage = { MemoryBudgetBytes = 32 << 20 } }, token);
        await store.CreateNamespaceAsync("kept", NamespaceKind.Vector, Dimension, token);
        VectorItem[] kept = TestVectors.Items(9, 500, Dimension, "k");
        await (await store.UploadVectorsAsync("kept", kept, token)).WaitAsync(token);

        VectorItem[] items = TestVectors.Items(1, 2000, Dimension);
        for (int round = 0; round < 6; round++)
        {
            await store.CreateNamespaceAsync("space", NamespaceKind.Vector, Dimension, token);
            for (int i = 0; i < Count; i += items.Length)
            {
                await store.UploadVectorsAsync("space", [.. items.Select(item => item with { Id = $"{item.Id}-{i}" })], token);
            }

            await (await store.DeleteNamespaceAsync("space", token)).WaitAsync(token);
            await store.CheckpointAsync(token);
        }

        // Two checkpoints after the last compaction: neither of the two that are kept needs the old part of the log then.
        const long Bound = 160L << 20; // All rounds together wrote more than 240 MB.
        long bytes = long.MaxValue;
        while (bytes > Bound)
        {
            await store.CheckpointAsync(token);
            await Task.Delay(100, token);
            bytes = Directory.EnumerateFiles(Path.Combine(directory.Path, "records")).Sum(file => new FileInfo(file).Length);
        }

        float[] query = kept[7].Vector.ToArray();
        SearchResult found = await store.SearchAsync(new SearchRequest("kept", query), token);
        Assert.That(found.Hits.Select(hit => hit.Id), Is.EqualTo(BruteForce.Nearest(kept, query, 10)));
    }

    [Test]
    public async Task Reopen_AfterCompaction_KeepsEverything(CancellationToken token)
    {
        const int Dimension = 1024;
        using var directory = new TemporaryDirectory();
        VectorItem[] items = TestVectors.Items(3, 4000, Dimension);
        var options = new MoorchehOptions { Storage = { MemoryBudgetBytes = 32 << 20 } };
        await using (MoorchehStore store = await MoorchehStore.OpenAsync(directory.Path, options, token))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension, token);
            for (int round = 0; round < 10; round++)
            {
                await (await store.UploadVectorsAsync("emb", items, token)).WaitAsync(token);
            }

            for (int i = 0; i < 4; i++)
            {
                await store.CheckpointAsync(token);
                await Task.Delay(400, token);
            }
        }

        await using (MoorchehStore store = await MoorchehStore.OpenAsync(directory.Path, options, token))
        {
            Assert.That(store.GetStatus().Items, Is.EqualTo(4000));
            float[] query = TestVectors.Gaussian(new Random(4), Dimension);
            SearchResult found = await store.SearchAsync(new SearchRequest("emb", query), token);
            Assert.That(found.Hits.Select(hit => hit.Id), Is.EqualTo(BruteForce.Nearest(items, query, 10)));
        }
    }

    [Test]
    public async Task Reopen_AfterOldRecordsMovedBehindNewer_KeepsEverything(CancellationToken token)
    {
        const int Dimension = 1024;
        using var directory = new TemporaryDirectory();
        VectorItem[] items = TestVectors.Items(3, 4000, Dimension);
        var options = new MoorchehOptions { Storage = { MemoryBudgetBytes = 32 << 20 } };
        await using (MoorchehStore store = await MoorchehStore.OpenAsync(directory.Path, options, token))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension, token);
            await (await store.UploadVectorsAsync("emb", items, token)).WaitAsync(token);

            // The first half is never touched again, so compaction moves it behind the newest versions of the second half.
            while (!IsGone(Path.Combine(directory.Path, "records", "records.log.0")))
            {
                await (await store.UploadVectorsAsync("emb", items[2000..], token)).WaitAsync(token);
                await store.CheckpointAsync(token);
            }
        }

        await using (MoorchehStore store = await MoorchehStore.OpenAsync(directory.Path, options, token))
        {
            Assert.That(store.GetStatus().Items, Is.EqualTo(4000));
            float[] query = TestVectors.Gaussian(new Random(4), Dimension);
            SearchResult found = await store.SearchAsync(new SearchRequest("emb", query), token);
            Assert.That(found.Hits.Select(hit => hit.Id), Is.EqualTo(BruteForce.Nearest(items, query, 10)));
        }
    }

    private static bool IsGone(string file) => !File.Exists(file);
}
