using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Search;

/// <summary>Full segments are rewritten and put together while uploads, deletes and searches go on.</summary>
[CancelAfter(240_000)]
internal sealed class IndexMaintenanceTests
{
    private const int Dimension = 8;
    private const int Count = 140_000; // Two full segments and a growing one.

    [Test]
    public async Task Deletes_MostOfFullSegments_FilesShrinkAndAnswersStayRight()
    {
        using var directory = new TemporaryDirectory();
        MoorchehOptions options = Options();
        options.Limits.MaxItems = 0;
        await using MoorchehStore store = await OpenAsync(directory, options);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
        var live = new Dictionary<string, VectorItem>();
        foreach (VectorItem[] part in Items().Chunk(10_000))
        {
            await store.StoreAsync("emb", part);
            foreach (VectorItem item in part)
            {
                live.Add(item.Id, item);
            }
        }

        await store.CheckpointAsync(Token);
        long full = SegmentBytes(directory);
        Assert.That(full, Is.Positive);

        // Four fifths go while segments are rewritten under them, and every 50th of what stays gets a new version.
        var random = new Random(3);
        string[] doomed = [.. live.Keys.Where(id => int.Parse(id.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture) % 5 != 0)];
        foreach (string[] part in doomed.Chunk(100))
        {
            await store.DeleteItemsAsync("emb", part);
            foreach (string id in part)
            {
                live.Remove(id);
            }

            if (random.Next(20) == 0)
            {
                string updated = live.Keys.ElementAt(random.Next(live.Count));
                live[updated] = new VectorItem(updated, TestVectors.Gaussian(random, Dimension), Metadata("group", "new"));
                await store.StoreAsync("emb", live[updated]);
                await CheckAsync(store, live, random);
            }
        }

        // 28,000 items of 140,000 are left, and a segment is rewritten once more than 30 % of it is dead: at most 40,000 slots.
        long left;
        do
        {
            await Task.Delay(200, Token);
            await store.CheckpointAsync(Token);
            await store.CheckpointAsync(Token);
            left = SegmentBytes(directory);
        }
        while (left > full / 3);
        await CheckAsync(store, live, random);
        Assert.That((await store.GetItemsAsync("emb", [.. live.Keys.Take(100)])).Count, Is.EqualTo(100));

        await store.DisposeAsync();
        await using MoorchehStore again = await OpenAsync(directory, options);
        await CheckAsync(again, live, random);
        Assert.That(again.GetStatus().Items, Is.EqualTo(live.Count));
    }

    private static IEnumerable<VectorItem> Items() =>
        TestVectors.Items(21, Count, Dimension).Select((item, i) => item with { Metadata = Metadata("group", i % 7) });

    private static long SegmentBytes(TemporaryDirectory directory) =>
        Directory.EnumerateFiles(Path.Combine(directory.Path, "index"), "*.segment").Sum(file => new FileInfo(file).Length);

    private static async Task CheckAsync(MoorchehStore store, Dictionary<string, VectorItem> live, Random random)
    {
        float[] query = TestVectors.Gaussian(random, Dimension);
        Assert.That(await store.FindAsync(new SearchRequest("emb", query)), Is.EqualTo(BruteForce.Nearest(live.Values, query, 10)));
        VectorItem[] some = [.. live.Values.Where(item => Metadata("group", 3).Equals(item.Metadata))];
        SearchRequest filtered = new("emb", query) { Metadata = Metadata("group", 3) };
        Assert.That(await store.FindAsync(filtered), Is.EqualTo(BruteForce.Nearest(some, query, 10)));
    }
}
