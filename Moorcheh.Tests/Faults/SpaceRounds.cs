using System.Globalization;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Faults;

/// <summary>Creates, fills and deletes a namespace again and again, in a process of its own whose memory nothing else touches.</summary>
internal static class SpaceRounds
{
    // So that one round fills the memory the logs may take.
    private const int Dimension = 256;
    private const int Count = 20_000;

    /// <summary>Prints, after each round, the bytes on disk and the resident bytes.</summary>
    public static async Task<int> RunAsync(string directory, int rounds)
    {
        VectorItem[] items = TestVectors.Items(1, Count, Dimension);
        MoorchehOptions options = TestStore.Options();
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory, options);
        for (int round = 0; round < rounds; round++)
        {
            await store.CreateNamespaceAsync("space", NamespaceKind.Vector, Dimension);
            foreach (VectorItem[] part in items.Chunk(5000))
            {
                await store.UploadVectorsAsync("space", part);
            }

            await (await store.DeleteNamespaceAsync("space")).WaitAsync();
            await store.CheckpointAsync();
            await store.CheckpointAsync();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            long disk = Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);
            using var process = System.Diagnostics.Process.GetCurrentProcess();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{disk} {process.WorkingSet64}"));
        }

        return 0;
    }
}
