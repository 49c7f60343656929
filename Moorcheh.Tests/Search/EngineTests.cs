using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Search;

[CancelAfter(240_000)]
internal sealed class EngineTests
{
    [TestCase(0, 16)]
    [TestCase(1, 1)]
    [TestCase(5, 3)]
    [TestCase(63, 64)]
    [TestCase(64, 65)]
    [TestCase(65, 100)]
    [TestCase(700, 1000)]
    [TestCase(5000, 384)]
    public async Task Search_Gaussian_EqualsBruteForce(int count, int dimension, CancellationToken token)
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory.Path, cancellationToken: token);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, dimension, token);
        VectorItem[] items = TestVectors.Items(1, count, dimension);
        if (count > 0)
        {
            await (await store.UploadVectorsAsync("emb", items, token)).WaitAsync(token);
        }

        var random = new Random(2);
        int missedByFast = 0;
        for (int q = 0; q < 20; q++)
        {
            float[] query = TestVectors.Gaussian(random, dimension);
            string[] expected = BruteForce.Nearest(items, query, 10);
            foreach (SearchGuarantee guarantee in Enum.GetValues<SearchGuarantee>())
            {
                SearchResult found = await store.SearchAsync(new SearchRequest("emb", query) { Guarantee = guarantee }, token);
                if (guarantee == SearchGuarantee.Fast)
                {
                    missedByFast += expected.Except(found.Hits.Select(hit => hit.Id)).Count();
                }
                else
                {
                    Assert.That(found.Hits.Select(hit => hit.Id), Is.EqualTo(expected), $"{guarantee} {q}");
                }
            }
        }

        // Each of 200 neighbours is missed with probability at most 0.011, by proof, over the random rotation of the namespace.
        Assert.That(missedByFast, Is.LessThan(12));
    }

    [Test]
    public async Task Search_UnderChurn_EqualsBruteForce(CancellationToken token)
    {
        const int Dimension = 24;
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory.Path, cancellationToken: token);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension, token);
        var oracle = new Dictionary<string, VectorItem>();
        var random = new Random(5);
        for (int round = 0; round < 60; round++)
        {
            // Grows to some thousands, with updates of old ids and deletes all over, so that segments are rewritten many times.
            VectorItem[] batch =
            [
                .. Enumerable.Range(0, random.Next(1, 600)).Select(_ => new VectorItem($"v{random.Next(4000)}", TestVectors.Gaussian(random, Dimension))),
            ];
            await (await store.UploadVectorsAsync("emb", batch, token)).WaitAsync(token);
            foreach (VectorItem item in batch)
            {
                oracle[item.Id] = item;
            }

            string[] doomed = [.. oracle.Keys.OrderBy(_ => random.Next()).Take(Math.Min(100, oracle.Count / 2)).Append("absent").Take(100)];
            await store.DeleteItemsAsync("emb", doomed, token);
            foreach (string id in doomed)
            {
                oracle.Remove(id);
            }

            float[] query = TestVectors.Gaussian(random, Dimension);
            SearchResult found = await store.SearchAsync(new SearchRequest("emb", query) { TopK = 20 }, token);
            Assert.That(found.Hits.Select(hit => hit.Id), Is.EqualTo(BruteForce.Nearest(oracle.Values, query, 20)), $"round {round}");
            Assert.That(store.GetStatus().Items, Is.EqualTo(oracle.Count));
        }
    }
}
