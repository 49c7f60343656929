using System.Globalization;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Storage;

/// <summary>Many namespaces of one long vector each, in a process of its own whose memory nothing else touches.</summary>
internal static class NamespaceMemory
{
    public const string Name = "namespace-memory";
    public const int Dimension = NamespaceRules.MaxDimension;
    private const int Count = 40;

    /// <summary>KiB of the heap that a namespace keeps, and that a checkpoint allocates for it.</summary>
    public static async Task<string> MeasureAsync(string directory)
    {
        VectorItem[] items = TestVectors.Items(1, 1, Dimension);
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory, TestStore.Options());
        await CreateAsync(0, 3); // Pages of the logs, pools.
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await CreateAsync(3, Count);
        long kept = GC.GetTotalMemory(forceFullCollection: true) - before;
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        await store.CheckpointAsync();
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        return string.Create(CultureInfo.InvariantCulture, $"{kept / 1024 / Count} {allocated / 1024 / Count}");

        async Task CreateAsync(int from, int count)
        {
            for (int i = from; i < from + count; i++)
            {
                await store.CreateNamespaceAsync($"long{i}", NamespaceKind.Vector, Dimension);
                await (await store.UploadVectorsAsync($"long{i}", items)).WaitAsync();
            }
        }
    }
}
