using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Recorded;

/// <summary>The stores that released versions wrote, opened with another model: vectors answer as before, texts once they are embedded again.</summary>
[NonParallelizable]
[CancelAfter(120_000)]
internal sealed class RecordedReembedTests
{
    private static readonly float[] Query = [1, 2, 3, 4, 5, 6, 7, -8];

    [TestCaseSource(typeof(RecordedStore), nameof(RecordedStore.Names))]
    public async Task Reembed_Recording_FindsTextsAgain(string name)
    {
        using TemporaryDirectory directory = RecordedStore.Unpack(name);
        using var old = new TestEmbedder();
        string vectors;
        Dictionary<string, long> counts;
        await using (MoorchehStore store = await OpenAsync(directory, old))
        {
            vectors = await VectorsAsync(store);
            counts = store.ListNamespaces().Where(found => found is { Kind: NamespaceKind.Text, ItemCount: > 0 }).ToDictionary(found => found.Name, found => found.ItemCount);
        }

        Assert.That(counts, Has.Count.GreaterThan(3));
        using var other = new TestEmbedder(48, model: "other");
        await using MoorchehStore now = await OpenAsync(directory, other);
        Assert.That(await VectorsAsync(now), Is.EqualTo(vectors));
        foreach ((string text, long count) in counts)
        {
            await RefusedAsync(() => now.SearchAsync(new SearchRequest(text, "text number 3")), ErrorCodes.EmbeddingModelMismatch);
            ReembedJobStatus ended = await (await now.ReembedNamespaceAsync(text)).WaitAsync(Token);
            Assert.That((ended.State, ended.Successful), Is.EqualTo((JobState.Completed, (int)count)), ended.LastError);
            Assert.That((await now.SearchAsync(new SearchRequest(text, "text number 3") { TopK = 100 })).Hits, Has.Count.EqualTo(Math.Min(100, count)));
            Assert.That(now.GetNamespace(text).Embedder, Is.EqualTo(new EmbedderFingerprint("test", "other", 48)));
        }

        Assert.That(await VectorsAsync(now), Is.EqualTo(vectors));
    }

    private static async Task<MoorchehStore> OpenAsync(TemporaryDirectory directory, TestEmbedder embedder)
    {
        MoorchehStore store = await TestStore.OpenAsync(directory, Options(embedder));
        while (store.GetStatus().RunningJobs > 0)
        {
            await Task.Delay(5, Token);
        }

        return store;
    }

    private static async Task<string> VectorsAsync(MoorchehStore store)
    {
        SearchResult found = await store.SearchAsync(new SearchRequest(["vectors-1", "vectors-2"], Query) { TopK = 100 });
        return string.Join('\n', found.Hits.Select(hit => $"{hit.Namespace} {hit.Id} {hit.Score:R} {hit.Metadata}"));
    }
}
