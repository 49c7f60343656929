using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Search;

/// <summary>
/// A hash of the ids, cosines and scores of whole searches, from upload to hit. It must not depend on the instruction set that encodes,
/// nor on the one that searches.
/// </summary>
internal static class SearchDigest
{
    private const int Count = 800;
    private const string Prepared = "prepared-";
    private const string Own = "own-";

    // Fast gives the same answer only over the same rotation, which a namespace keeps for life.
    private static readonly SearchGuarantee[] Exact = [SearchGuarantee.Certified, SearchGuarantee.Absolute];
    private static readonly int[] Dimensions = [3, 100, 260];

    /// <summary>The widest vectors that this process calculates with.</summary>
    public static int VectorBits =>
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 0;

    /// <summary>Fills the namespaces that every process searches in its own copy of the directory.</summary>
    public static async Task PrepareAsync(string directory)
    {
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory);
        await FillAsync(store, Prepared);
    }

    /// <summary>The bits of the vectors used, and the hash: of searches in a prepared store, and in namespaces that this process fills.</summary>
    public static async Task<string> ComputeAsync(string directory)
    {
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory);
        await FillAsync(store, Own);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await AppendAsync(store, Prepared, Enum.GetValues<SearchGuarantee>(), hash);
        await AppendAsync(store, Own, Exact, hash);
        return $"{VectorBits} {Convert.ToHexString(hash.GetHashAndReset())}";
    }

    private static async Task FillAsync(MoorchehStore store, string prefix)
    {
        foreach (int dimension in Dimensions)
        {
            string name = prefix + dimension;
            VectorItem[] items = [.. DataSet.Gaussian(Count, dimension).Items.Select((item, i) => item with { Metadata = new JsonObject { ["tenth"] = i % 10 } })];
            await store.CreateNamespaceAsync(name, NamespaceKind.Vector, dimension);
            await (await store.UploadVectorsAsync(name, items)).WaitAsync();

            // Near-duplicates and new versions of old items: dead slots, and ties.
            VectorItem[] again = [.. DataSet.Duplicates(300, dimension).Items.Select(item => item with { Metadata = new JsonObject { ["tenth"] = 3 } })];
            await (await store.UploadVectorsAsync(name, again)).WaitAsync();
        }
    }

    private static async Task AppendAsync(MoorchehStore store, string prefix, SearchGuarantee[] guarantees, IncrementalHash hash)
    {
        foreach (int dimension in Dimensions)
        {
            foreach (float[] query in (float[][])[.. DataSet.Gaussian(0, dimension).Queries, .. DataSet.Duplicates(300, dimension).Queries, new float[dimension]])
            {
                foreach (SearchGuarantee guarantee in guarantees)
                {
                    foreach (ItemMetadata? filter in (ItemMetadata?[])[null, new JsonObject { ["tenth"] = 3 }, new JsonObject { ["tenth"] = 4 }])
                    {
                        SearchResult found = await store.SearchAsync(
                            new SearchRequest(prefix + dimension, query) { TopK = 20, Guarantee = guarantee, Metadata = filter });
                        foreach (SearchHit hit in found.Hits)
                        {
                            hash.AppendData(Encoding.UTF8.GetBytes(hit.Id));
                            hash.AppendData(MemoryMarshal.AsBytes<double>([hit.Cosine, hit.Score]));
                        }
                    }
                }
            }
        }
    }
}
