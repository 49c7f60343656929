using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Search;

/// <summary>
/// Half of the items deleted and uploaded again, twice: answers stay exact, and what the old versions took is given back. Without that,
/// the rounds would end at twice the space of the first state.
/// </summary>
[CancelAfter(180_000)]
internal sealed class ReplacementTests
{
    private const int Rounds = 2;
    private const double Allowed = 1.15;

    [Test]
    public async Task Replace_HalfTwice_EqualsBruteForceAndMemoryComesBack()
    {
        const int Dimension = 256;
        const int Count = 20_000; // 20 MB of records: more than the record store keeps in memory, so that it has taken what it takes.
        const long Noise = 1 << 20;
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension, Token);
        VectorItem[] items = TestVectors.Items(1, Count, Dimension);
        float[][] queries = DataSet.Gaussian(0, Dimension).Queries[..3];
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await store.StoreAllAsync("emb", items, batch: 1000);
        await store.AssertExactAsync("emb", new Oracle(items), queries);
        long first = await SettledMemoryAsync(store);
        for (int round = 1; round <= Rounds; round++)
        {
            await ReplaceHalfAsync(store, items, round, i => TestVectors.Items((round * Count) + i, 1, Dimension)[0]);
            await store.AssertExactAsync("emb", new Oracle(items), queries);
        }

        long last = await SettledMemoryAsync(store);
        TestContext.Out.WriteLine($"Taken: {first - before:N0} bytes, then {last - before:N0}.");
        Assert.That(first - before, Is.GreaterThan(Count * Dimension), "Eight-bit codes alone take more.");
        Assert.That(last - before, Is.LessThan((long)((first - before) * Allowed) + Noise));
    }

    /// <summary>Large records, so that the space is theirs and not the files' steps of 32 MiB.</summary>
    [Test]
    public async Task Replace_HalfTwice_EqualsBruteForceAndDiskComesBack()
    {
        const int Dimension = 8;
        const int Count = 3000;
        const int RecordBytes = 60_000;

        // The record log may be 64 MiB longer than what is alive in it, and its first and last file are of 32 MiB.
        const long Slack = 96L << 20;
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension, Token);
        VectorItem[] items = [.. Enumerable.Range(0, Count).Select(i => Heavy(0, i))];
        await store.StoreAllAsync("emb", items, batch: 500);
        await store.CheckpointAsync(Token);
        await store.CheckpointAsync(Token);
        long first = BytesOf(directory);
        for (int round = 1; round <= Rounds; round++)
        {
            await ReplaceHalfAsync(store, items, round, i => Heavy(round, i));
            await store.AssertExactAsync("emb", new Oracle(items), DataSet.Gaussian(0, Dimension).Queries);
        }

        // Space is given back in the background, when neither of the two kept checkpoints needs it. The test's limit is the time.
        long bound = (long)(first * Allowed) + Slack;
        long last = long.MaxValue;
        while (last > bound)
        {
            await store.CheckpointAsync(Token);
            await Task.Delay(100, Token);
            last = BytesOf(directory);
        }

        TestContext.Out.WriteLine($"On disk: {first:N0} bytes, then {last:N0}; the bound is {bound:N0}.");
        await store.AssertExactAsync("emb", new Oracle(items), DataSet.Gaussian(0, Dimension).Queries);

        static VectorItem Heavy(int round, int i) => new($"v{i}", TestVectors.Gaussian(new Random((round * Count) + i), Dimension), Weight(round));

        // Nested, because the texts of an object are not filed for filters: the test is about space.
        static JsonObject Weight(int round) => new() { ["weight"] = new JsonObject { ["of"] = new string((char)('a' + round), RecordBytes) } };
    }

    /// <summary>Another half each round: deletes, asks whether they are gone, and uploads new versions.</summary>
    private static async Task ReplaceHalfAsync(MoorchehStore store, VectorItem[] items, int round, Func<int, VectorItem> make)
    {
        int[] half = [.. Enumerable.Range(0, items.Length).Where(i => i / 10 % 2 == round % 2)];
        string[] ids = [.. half.Select(i => items[i].Id)];
        float[] query = items[half[0]].Vector.ToArray();
        foreach (string[] part in ids.Chunk(MoorchehStore.MaxIds))
        {
            await store.DeleteItemsAsync("emb", part, Token);
        }

        await store.AssertExactAsync("emb", new Oracle([.. items.Except(half.Select(i => items[i]))]), [query]);
        foreach (int i in half)
        {
            items[i] = make(i) with { Id = items[i].Id };
        }

        await store.StoreAllAsync("emb", [.. half.Select(i => items[i])], batch: 500);
    }

    /// <summary>Bytes of live objects, once the journal is cut and nothing of the uploads is waiting any more.</summary>
    private static async Task<long> SettledMemoryAsync(MoorchehStore store)
    {
        await store.CheckpointAsync(Token);
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private static long BytesOf(TemporaryDirectory directory) =>
        Directory.EnumerateFiles(directory.Path, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file) is { Exists: true } info ? info.Length : 0);
}
