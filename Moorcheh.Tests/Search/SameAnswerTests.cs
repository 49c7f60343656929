using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Search;

/// <summary>
/// An answer is a function of the vectors and the query: not of how the vectors came in, where they lie, or how many threads look. Each
/// way to hold the same data is compared with brute force to the last bit, so all of them give the same answer.
/// </summary>
[CancelAfter(180_000)]
internal sealed class SameAnswerTests
{
    private const int Dimension = 65;
    private const int Top = 20;

    private static readonly DataSet Data = DataSet.Gaussian(2500, Dimension, seed: 11);
    private static readonly Oracle Right = new(Data.Items);

    private TemporaryDirectory _directory = null!;

    [SetUp]
    public void CreateDirectory() => _directory = new TemporaryDirectory();

    [TearDown]
    public void DeleteDirectory() => _directory.Dispose();

    /// <summary>The first vectors make the centre, and a batch is what is published together: neither may show.</summary>
    [TestCase(1, 2500)]
    [TestCase(2, 2500)]
    [TestCase(3, 300)]
    [TestCase(4, 64)]
    [TestCase(5, 17)]
    public async Task Search_ShuffledUploads_SameAnswer(int seed, int batch)
    {
        await using MoorchehStore store = await OpenAsync(_directory);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension, Token);
        VectorItem[] shuffled = [.. Data.Items];
        new Random(seed).Shuffle(shuffled);
        await store.StoreAllAsync("emb", shuffled, batch);
        await store.AssertExactAsync("emb", Right, Data.Queries, Top);
    }

    /// <summary>Items that would be hits are deleted: first their slots are dead, then segments are rewritten without them.</summary>
    [Test]
    public async Task Search_DeadSlotsThenRewrittenThenCheckpointThenReopened_SameAnswer()
    {
        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension, Token);
            string[] doomed = [.. Enumerable.Range(0, 2400).Select(i => $"doomed{i}")];
            VectorItem[] near = [.. doomed.Select((id, i) => new VectorItem(id, Data.Queries[i % Data.Queries.Length]))];
            VectorItem[] mixed = [.. Data.Items, .. near];
            new Random(6).Shuffle(mixed);
            await store.StoreAllAsync("emb", mixed);
            foreach (string[] part in doomed.Chunk(MoorchehStore.MaxIds))
            {
                await store.DeleteItemsAsync("emb", part, Token);
                if (part[0] == "doomed1200")
                {
                    VectorItem[] rest = [.. Data.Items, .. near[1300..]];
                    await store.AssertExactAsync("emb", new Oracle(rest), Data.Queries, Top);
                }
            }

            await store.AssertExactAsync("emb", Right, Data.Queries, Top);
            await store.CheckpointAsync(Token);
            await store.AssertExactAsync("emb", Right, Data.Queries, Top);
        }

        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            await store.AssertExactAsync("emb", Right, Data.Queries, Top);
        }
    }

    /// <summary>
    /// More items than a segment has slots. What is asked for lies in the sealed segment, then in both; the others are on the far side. The
    /// same items alone in a namespace are all in its head.
    /// </summary>
    [Test]
    public async Task Search_SealedSegmentOrHeadOnly_SameAnswer()
    {
        const int Small = 8;
        VectorItem[] near = OneSide(TestVectors.Items(7, 1500, Small, "near"), 4);
        VectorItem[] far = OneSide(TestVectors.Items(8, 65_000, Small, "far"), -4);
        float[][] queries = [.. OneSide(TestVectors.Items(9, 6, Small), 4).Select(item => item.Vector.ToArray())];
        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            foreach (string name in (string[])["head", "sealed"])
            {
                await store.CreateNamespaceAsync(name, NamespaceKind.Vector, Small, Token);
                await store.StoreAllAsync(name, near[..1000]);
                await store.StoreAllAsync(name, name == "sealed" ? far : []);
                await store.AssertExactAsync(name, new Oracle(near[..1000]), queries, Top);
                await store.StoreAllAsync(name, near[1000..]);
            }

            await AssertAsync(store, near);

            // Dead slots of a sealed segment, and new versions of its items in the head.
            VectorItem[] changed = [.. TestVectors.Items(10, 200, Small, "near")];
            await store.DeleteItemsAsync("head", [.. near[200..300].Select(item => item.Id)], Token);
            await store.DeleteItemsAsync("sealed", [.. near[200..300].Select(item => item.Id)], Token);
            await store.StoreAllAsync("head", changed);
            await store.StoreAllAsync("sealed", changed);
            near = [.. changed, .. near[300..]];
            await AssertAsync(store, near);
        }

        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            await AssertAsync(store, near);
        }

        async Task AssertAsync(MoorchehStore store, VectorItem[] items)
        {
            var oracle = new Oracle(items);
            await store.AssertExactAsync("head", oracle, queries, Top);
            await store.AssertExactAsync("sealed", oracle, queries, Top);
        }
    }

    private static VectorItem[] OneSide(VectorItem[] items, float distance) =>
    [
        .. items.Select(item =>
        {
            float[] vector = item.Vector.ToArray();
            vector[0] += distance;
            return item with { Vector = vector };
        }),
    ];
}
