using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Search;

/// <summary>
/// Random filters over a store that goes through uploads, replacements, deletes, patches, deletes by filter, checkpoints and restarts: searches, batches and
/// counts are those of the oracle over what the items are.
/// </summary>
[CancelAfter(120_000)]
internal sealed class FilterHistoryTests
{
    private const int Dimension = 8;
    private const int Ids = 300;

    [TestCase(1)]
    [TestCase(2)]
    public async Task RandomHistory_AnswersEqualOracle(int seed)
    {
        using var directory = new TemporaryDirectory();
        var random = new Random(seed);
        var samples = new FilterSamples(seed + 10);
        Dictionary<string, VectorItem> live = [];
        MoorchehStore store = await OpenAsync(directory);
        try
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
            await UploadAsync(store, live, random, samples, Ids);
            for (int round = 0; round < 60; round++)
            {
                switch (random.Next(8))
                {
                    case 0:
                        string[] gone = [.. Enumerable.Range(0, 10).Select(_ => $"v{random.Next(Ids)}").Distinct()];
                        await store.DeleteItemsAsync("emb", gone);
                        Array.ForEach(gone, id => live.Remove(id));
                        break;
                    case 1 or 2:
                        await PatchAsync(store, live, random, samples);
                        break;
                    case 3:
                        await DeleteAsync(store, live, samples);
                        break;
                    case 4 when round % 3 == 0:
                        await store.DisposeAsync();
                        store = await OpenAsync(directory);
                        break;
                    case 4:
                        await store.CheckpointAsync(Token);
                        break;
                    default:
                        await UploadAsync(store, live, random, samples, random.Next(1, 80));
                        break;
                }

                await CheckAsync(store, live, random, samples);
            }
        }
        finally
        {
            await store.DisposeAsync();
        }
    }

    private static async Task UploadAsync(MoorchehStore store, Dictionary<string, VectorItem> live, Random random, FilterSamples samples, int count)
    {
        VectorItem[] items =
        [
            .. Enumerable.Range(0, count).Select(_ => $"v{random.Next(Ids)}").Distinct()
                .Select(id => new VectorItem(id, TestVectors.Gaussian(random, Dimension), ItemMetadata.Parse(samples.Metadata()))),
        ];
        await store.StoreAsync("emb", items);
        Array.ForEach(items, item => live[item.Id] = item);
    }

    private static async Task PatchAsync(MoorchehStore store, Dictionary<string, VectorItem> live, Random random, FilterSamples samples)
    {
        foreach (string id in live.Keys.OrderBy(_ => random.Next()).Take(5).ToArray())
        {
            ItemMetadata merged = await store.PatchMetadataAsync("emb", id, ItemMetadata.Parse(samples.Metadata()));
            Item stored = (await store.GetItemsAsync("emb", [id]))[0];
            Assert.That(stored.Metadata, Is.EqualTo(merged));
            live[id] = live[id] with { Metadata = merged };
        }
    }

    private static async Task DeleteAsync(MoorchehStore store, Dictionary<string, VectorItem> live, FilterSamples samples)
    {
        string filter = samples.Filter();
        string[] matching = Matching(live, filter);
        if (matching.Length > live.Count / 4)
        {
            return;
        }

        ItemDeleteJobStatus status = await (await store.DeleteItemsAsync("emb", Filter.Parse(filter))).WaitAsync(Token);
        Assert.That((status.State, status.TotalItems, status.DeletedItems), Is.EqualTo((JobState.Completed, (long)matching.Length, (long)matching.Length)), status.LastError);
        Array.ForEach(matching, id => live.Remove(id));
    }

    private static async Task CheckAsync(MoorchehStore store, Dictionary<string, VectorItem> live, Random random, FilterSamples samples)
    {
        float[] query = TestVectors.Gaussian(random, Dimension);
        string[] filters = [.. Enumerable.Range(0, 6).Select(_ => samples.Filter()), "{}"];
        SearchRequest[] requests = [.. filters.Select(filter => new SearchRequest("emb", query) { TopK = 100, Filter = Filter.Parse(filter) })];
        SearchRequest[] twice = [.. requests, .. requests];
        IReadOnlyList<SearchResult> batch = await store.SearchBatchAsync(twice);
        for (int i = 0; i < filters.Length; i++)
        {
            string[] matching = Matching(live, filters[i]);
            string[] expected = BruteForce.Nearest(matching.Select(id => live[id]), query, 100);
            string[] found = await store.FindAsync(requests[i]);
            Assert.That(found, Is.EqualTo(expected), filters[i]);
            Assert.That(batch[i].Hits.Select(hit => hit.Id), Is.EqualTo(expected), filters[i]);
            Assert.That(batch[i + filters.Length].Hits.Select(hit => hit.Id), Is.EqualTo(expected), filters[i]);
            Assert.That(await store.CountItemsAsync("emb", Filter.Parse(filters[i])), Is.EqualTo(matching.Length), filters[i]);
        }

        Assert.That(await store.CountItemsAsync("emb"), Is.EqualTo(live.Count));
        Assert.That(store.GetNamespace("emb").StoredBytes, Is.EqualTo(live.Values.Sum(item => item.Id.Length + (4L * Dimension) + item.Metadata!.Utf8Json.Length)));
        Assert.That(store.GetStatus().Items, Is.EqualTo(live.Count));
    }

    private static string[] Matching(Dictionary<string, VectorItem> live, string filter) =>
        [.. live.Values.Where(item => FilterOracle.Matches(filter, item.Metadata!.ToString())).Select(item => item.Id)];
}
