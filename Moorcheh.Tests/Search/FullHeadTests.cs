using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Search;

/// <summary>A namespace whose last segment is exactly full, and is sealed and rewritten before anything else is uploaded.</summary>
[CancelAfter(120_000)]
internal sealed class FullHeadTests
{
    private const int Dimension = 4;
    private const int Count = 65_536;

    [Test]
    public async Task Upload_AfterTheFullSegmentWasRewritten_IsStored([Values] bool reopen)
    {
        using var directory = new TemporaryDirectory();
        MoorchehStore store = await OpenAsync(directory);
        try
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
            VectorItem[] items = TestVectors.Items(1, Count, Dimension);
            foreach (VectorItem[] part in items.Chunk(10_000))
            {
                await store.StoreAsync("emb", part);
            }

            long full = await SettledBytesAsync(store, directory, bytes => bytes > 0);
            foreach (VectorItem[] part in items[..26_000].Chunk(100))
            {
                await store.DeleteItemsAsync("emb", [.. part.Select(item => item.Id)]);
            }

            await SettledBytesAsync(store, directory, bytes => bytes < full * 0.7);
            if (reopen)
            {
                await store.DisposeAsync();
                store = await OpenAsync(directory);
            }

            VectorItem[] more = TestVectors.Items(2, 500, Dimension, "more");
            await store.StoreAsync("emb", more);
            VectorItem[] live = [.. items[26_000..], .. more];
            float[] query = TestVectors.Gaussian(new Random(3), Dimension);
            Assert.That(await store.FindAsync(new SearchRequest("emb", query)), Is.EqualTo(BruteForce.Nearest(live, query, 10)));
            Assert.That(store.GetNamespace("emb").ItemCount, Is.EqualTo(live.Length));
        }
        finally
        {
            await store.DisposeAsync();
        }
    }

    private static async Task<long> SettledBytesAsync(MoorchehStore store, TemporaryDirectory directory, Func<long, bool> isSettled)
    {
        while (true)
        {
            await store.CheckpointAsync(Token);
            await store.CheckpointAsync(Token);
            long bytes = Directory.EnumerateFiles(Path.Combine(directory.Path, "index"), "*.segment").Sum(file => new FileInfo(file).Length);
            if (isSettled(bytes))
            {
                return bytes;
            }

            await Task.Delay(100, Token);
        }
    }
}
