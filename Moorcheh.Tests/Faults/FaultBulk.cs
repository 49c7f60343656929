using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// Much data, for what happens only when there is much: full segments of an index, and logs so long that they are compacted. Items are
/// uploaded in the order of their numbers and always the same, so that any number of them is a right state.
/// </summary>
/// <param name="Name">The namespace.</param>
/// <param name="Items">How many.</param>
/// <param name="MetadataBytes">Of each.</param>
/// <param name="Rounds">How often all are uploaded.</param>
internal sealed record FaultBulk(string Name, int Items, int MetadataBytes, int Rounds)
{
    private const int Dimension = 4;
    private const int Batch = 10_000;

    /// <summary>Longer than the log may be, several times.</summary>
    public static FaultBulk LongLog { get; } = new("long-log", 200, 60_000, 20);

    /// <summary>More than a segment of an index holds.</summary>
    public static FaultBulk FullSegment { get; } = new("full-segment", 70_000, 0, 2);

    public static FaultBulk? Find(string name) => new[] { LongLog, FullSegment }.FirstOrDefault(bulk => bulk.Name == name);

    public async Task RunAsync(MoorchehStore store, CancellationToken stop)
    {
        if (store.FindNamespace(Name) is null)
        {
            await store.CreateNamespaceAsync(Name, NamespaceKind.Vector, Dimension, stop);
        }

        for (int round = 0; round < Rounds; round++)
        {
            for (int first = 0; first < Items; first += Batch)
            {
                VectorItem[] batch = [.. Enumerable.Range(first, Math.Min(Batch, Items - first)).Select(Item)];
                await (await store.UploadVectorsAsync(Name, batch, stop)).WaitAsync(stop);
            }

            await store.CheckpointAsync(stop);
            await Task.Delay(300, stop); // Compaction and sealing look for work four times a second.
        }
    }

    public async Task CheckAsync(MoorchehStore store)
    {
        if (store.FindNamespace(Name) is not { } info)
        {
            return;
        }

        VectorItem[] items = [.. Enumerable.Range(0, checked((int)info.ItemCount)).Select(Item)];
        foreach (VectorItem[] some in items.Where((_, i) => i % 37 == 0).Chunk(MoorchehStore.MaxIds))
        {
            IReadOnlyList<Item> found = await store.GetItemsAsync(Name, [.. some.Select(item => item.Id)]);
            Assert.That(found.Select(item => (item.Id, item.Metadata)), Is.EqualTo(some.Select(item => (item.Id, item.Metadata!))));
        }

        for (int query = 0; query < 3 && items.Length > 0; query++)
        {
            float[] vector = TestVectors.Gaussian(new Random(-query), Dimension);
            Assert.That(await store.FindAsync(new SearchRequest(Name, vector)), Is.EqualTo(BruteForce.Nearest(items, vector, 10)));
        }
    }

    private VectorItem Item(int number) => new(
        $"n{number:D6}",
        TestVectors.Gaussian(new Random(number), Dimension),
        MetadataBytes == 0 ? ItemMetadata.Empty : new JsonObject { ["pad"] = new string((char)('a' + (number % 26)), MetadataBytes) });
}
