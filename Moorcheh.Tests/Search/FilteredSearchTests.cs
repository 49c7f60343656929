using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Search;

[CancelAfter(120_000)]
internal sealed class FilteredSearchTests
{
    private const int Dimension = 32;
    private const int Count = 4000;

    [TestCase(1000)]
    [TestCase(100)]
    [TestCase(10)]
    [TestCase(2)]
    public async Task Search_FilterOfSomeSelectivity_EqualsBruteForceOverMatchingItems(int one, CancellationToken token)
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory.Path, cancellationToken: token);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension, token);
        var random = new Random(one);
        VectorItem[] items =
        [
            .. TestVectors.Items(one, Count, Dimension).Select((item, i) => item with
            {
                Metadata = new JsonObject { ["group"] = i % one == 0 ? "yes" : "no", ["number"] = i % 7 },
            }),
        ];
        for (int round = 0; round < 2; round++)
        {
            // The second round replaces half of them, so that the filters meet dead and rewritten slots.
            VectorItem[] batch = round == 0 ? items : [.. items.Where((_, i) => i % 2 == 0)];
            await (await store.UploadVectorsAsync("emb", batch, token)).WaitAsync(token);
            for (int q = 0; q < 10; q++)
            {
                float[] query = TestVectors.Gaussian(random, Dimension);
                foreach (SearchGuarantee guarantee in (SearchGuarantee[])[SearchGuarantee.Certified, SearchGuarantee.Absolute])
                {
                    SearchResult found = await store.SearchAsync(
                        new SearchRequest("emb", query) { Metadata = new JsonObject { ["group"] = "yes", ["number"] = 3.0 }, Guarantee = guarantee }, token);
                    Assert.That(
                        found.Hits.Select(hit => hit.Id),
                        Is.EqualTo(BruteForce.Nearest(items.Where((_, i) => i % one == 0 && i % 7 == 3), query, 10)));
                }
            }
        }
    }

    [Test]
    public async Task Search_SeveralThreads_GivesTheSameAnswer(CancellationToken token)
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory.Path, new MoorchehOptions { Limits = { MaxItems = 0 } }, token);
        string[] names = ["a", "b", "c"];
        foreach (string name in names)
        {
            await store.CreateNamespaceAsync(name, NamespaceKind.Vector, Dimension, token);
            await (await store.UploadVectorsAsync(name, TestVectors.Items(name[0], 3000, Dimension), token)).WaitAsync(token);
        }

        var random = new Random(8);
        for (int q = 0; q < 20; q++)
        {
            float[] query = TestVectors.Gaussian(random, Dimension);
            SearchResult one = await store.SearchAsync(new SearchRequest(names, query) { TopK = 50 }, token);
            SearchResult two = await store.SearchAsync(new SearchRequest(names, query) { TopK = 50, Threads = 2 }, token);
            Assert.That(two.Hits, Is.EqualTo(one.Hits));
        }
    }
}
