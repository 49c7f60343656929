using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Search;

/// <summary>
/// A search allocates its result and a constant, whatever the number of vectors: the call's task, the plan and, in a build for debugging, the state of its async
/// methods. Records that come from disk cost more, so everything here fits in memory.
/// </summary>
[CancelAfter(120_000)]
internal sealed class SearchAllocationTests
{
    private const int Dimension = 64;
    private const int FixedBytes = 1536;
    private const int ResultBytes = 256; // SearchResult, its timings and work, and the array of hits without its elements.
    private const int HitBytes = 72 + 8 + 40; // The hit, its place in the array and an id of up to nine characters.

    [Test]
    public async Task Search_Warm_AllocatesItsResultOnly([Values] SearchGuarantee guarantee, [Values(1, 10, 100)] int top)
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory.Path);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
        VectorItem[] items = TestVectors.Items(6, 10_000, Dimension);
        await (await store.UploadVectorsAsync("emb", items)).WaitAsync();
        var request = new SearchRequest("emb", items[9].Vector.ToArray()) { TopK = top, Guarantee = guarantee };
        long least = long.MaxValue;
        for (int i = 0; i < 20; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Task<SearchResult> search = store.SearchAsync(request);
            long after = GC.GetAllocatedBytesForCurrentThread();
            Assert.That(search.IsCompletedSuccessfully, "the search left its thread, and its allocations were not counted");
            Assert.That((await search).Hits, Has.Count.EqualTo(top));
            least = Math.Min(least, after - before);
        }

        await TestContext.Out.WriteLineAsync($"{least} bytes");
        Assert.That(least, Is.LessThanOrEqualTo(FixedBytes + ResultBytes + (top * HitBytes)));
    }
}
