using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Search;

/// <summary>
/// Where all cosines are equal, no bound rules anything out and the ids alone decide: the hits are the least ids of thousands, ordinal.
/// Ids are uploaded in another order than they sort, and sort otherwise as text than as numbers.
/// </summary>
[CancelAfter(60_000)]
[TestFixture(3)]
[TestFixture(100)]
internal sealed class TieTests(int dimension)
{
    private const int Count = 2500;

    [Test]
    public async Task Search_ZeroQuery_GivesTheLeastIds()
    {
        VectorItem[] items = TestVectors.Items(1, Count, dimension, "id-");
        await AssertTiesAsync(items, new float[dimension], cosine: 0);
    }

    [Test]
    public async Task Search_IdenticalVectors_GivesTheLeastIds()
    {
        float[] vector = TestVectors.Gaussian(new Random(2), dimension);
        await AssertTiesAsync([.. Ids().Select(id => new VectorItem(id, vector))], vector, cosine: 1);
    }

    [Test]
    public async Task Search_ZeroVectors_GivesTheLeastIds()
    {
        float[] query = TestVectors.Gaussian(new Random(3), dimension);
        await AssertTiesAsync([.. Ids().Select(id => new VectorItem(id, new float[dimension]))], query, cosine: 0);
    }

    /// <summary>Their cosines differ by rounding unless they are rounded right.</summary>
    [Test]
    public async Task Search_ExactMultiples_GivesTheLeastIds()
    {
        var random = new Random(4);
        float[] query = [.. Enumerable.Range(0, dimension).Select(_ => (float)random.Next(1, 100))];
        float[] vector = [.. Enumerable.Range(0, dimension).Select(_ => (float)random.Next(1, 100))];
        VectorItem[] items = [.. Ids().Select((id, i) => new VectorItem(id, vector.Select(value => value * (i + 1)).ToArray()))];
        await AssertTiesAsync(items, query, Oracle.Cosine(query, vector));
    }

    private static IEnumerable<string> Ids() => Enumerable.Range(0, Count).Select(i => $"id-{i * 7919 % Count}");

    private static async Task AssertTiesAsync(VectorItem[] items, float[] query, double cosine)
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, query.Length, Token);
        await store.StoreAllAsync("emb", items, batch: 1000);
        string[] ordered = [.. items.Select(item => item.Id).Order(StringComparer.Ordinal)];
        foreach (SearchGuarantee guarantee in Enum.GetValues<SearchGuarantee>())
        {
            foreach (int top in (int[])[1, 10, 100])
            {
                SearchResult found = await store.SearchAsync(new SearchRequest("emb", query) { TopK = top, Guarantee = guarantee }, Token);
                string[] ids = [.. found.Hits.Select(hit => hit.Id)];
                Assert.That(ids, Has.Length.EqualTo(top).And.Ordered.Using<string>(StringComparer.Ordinal));
                if (guarantee != SearchGuarantee.Fast)
                {
                    // Fast may miss some: each of the 2,500 can be the one whose bound does not hold.
                    Assert.That(ids, Is.EqualTo(ordered.Take(top)), $"{guarantee}, top {top}");
                }

                Assert.That(found.Hits.Select(hit => hit.Cosine), Is.All.EqualTo(cosine).Within(1e-15));
            }
        }
    }
}
