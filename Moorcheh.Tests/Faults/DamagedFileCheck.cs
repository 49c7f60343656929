using System.Globalization;
using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// Opens damaged copies of a store in a process of its own and compares everything it says with what was stored: for each mutant it prints
/// "begin N" and "end N" with <c>exact</c>, <c>typed</c>, <c>refused</c> or <c>WRONG</c>.
/// </summary>
internal sealed class DamagedFileCheck(string name, VectorItem[] items, int sample)
{
    public const string Small = "small";
    public const string Segments = "segments";

    private const int Dimension = 8;
    private const int Top = 10;

    private readonly Dictionary<string, VectorItem> _items = items.ToDictionary(item => item.Id);
    private readonly float[][] _queries = [.. Enumerable.Range(0, 4).Select(i => TestVectors.Gaussian(new Random(100 + i), items[0].Vector.Length))];
    private string[][]? _nearest;
    private bool _isTyped;

    /// <summary>Record pages that fit into memory and pages that do not, when one in the middle is damaged; or a full segment.</summary>
    public static DamagedFileCheck Of(string name) => name == Small
        ? new DamagedFileCheck(name, Padded(TestVectors.Items(21, 1600, Dimension)), sample: 1600)
        : new DamagedFileCheck(name, TestVectors.Items(22, 66_000, 2), sample: 300);

    /// <summary>Fills a store in such a way that every kind of file is needed, and copies it as a kill would leave it.</summary>
    public async Task PrepareAsync(string directory, string copy)
    {
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory, FaultSettings.Options(new VolatileDisk()));
        await store.CreateNamespaceAsync(name, NamespaceKind.Vector, items[0].Vector.Length);
        int part = (items.Length / 3) + 1;
        foreach (VectorItem[] third in items.Chunk(part))
        {
            await store.StoreAllAsync(name, third);
            if (third.Length == part)
            {
                await store.CheckpointAsync();
            }
        }

        if (name == Segments)
        {
            await store.CheckpointAsync();
        }

        CrashCopy.Take(directory, copy);
        foreach (string file in (string[])["lock", "lock.pid", "reserve"])
        {
            File.WriteAllBytes(Path.Combine(copy, file), file == "lock" ? [] : File.ReadAllBytes(Path.Combine(directory, file)));
        }
    }

    /// <summary>The loop of the child: mutants from one number on, every so many.</summary>
    public static async Task<int> RunAsync(string name, string source, string scratch, int seed, int perFile, string pattern, int first, int step)
    {
        DamagedFileCheck check = Of(name);
        List<Mutant> mutants = Mutant.Make(source, seed, perFile, pattern);
        for (int i = first; i < mutants.Count; i += step)
        {
            if (Directory.Exists(scratch))
            {
                Directory.Delete(scratch, recursive: true);
            }

            CrashCopy.Copy(source, scratch);
            mutants[i].Apply(scratch);
            Console.WriteLine($"begin {i}");
            Console.WriteLine($"end {i} {(await check.JudgeAsync(scratch)).ReplaceLineEndings(" ")}");
        }

        return 0;
    }

    /// <summary>What a damaged directory gives.</summary>
    private async Task<string> JudgeAsync(string directory)
    {
        _isTyped = false;
        try
        {
            await using (MoorchehStore store = await MoorchehStore.OpenAsync(directory, FaultSettings.Options(new VolatileDisk())))
            {
                if (await CheckAsync(store, sample) is { } wrong)
                {
                    return $"WRONG {wrong}";
                }
            }

            await using MoorchehStore again = await MoorchehStore.OpenAsync(directory, FaultSettings.Options(new VolatileDisk()));
            return await CheckAsync(again, sample / 10) is { } later ? $"WRONG when opened again: {later}" : _isTyped ? "typed" : "exact";
        }
        catch (MoorchehException e) when (e.Code is ErrorCodes.StorageDamaged or ErrorCodes.UnsupportedFormat)
        {
            bool isClear = e.Message.Contains(directory, StringComparison.Ordinal) || e.Message.Contains("address", StringComparison.Ordinal);
            return isClear ? $"refused {e.Message}" : $"WRONG refused without saying where: {e.Message}";
        }
        catch (Exception e)
        {
            return $"WRONG {e.GetType().Name}: {e}";
        }
    }

    private async Task<string?> CheckAsync(MoorchehStore store, int readItems)
    {
        if (store.ListNamespaces() is not [{ } only] || only.Name != name)
        {
            return $"{store.ListNamespaces().Count} namespaces";
        }

        if (store.GetStatus().Items != items.Length)
        {
            return $"{store.GetStatus().Items} items instead of {items.Length}";
        }

        string[] ids = [.. items.Where((_, i) => i % Math.Max(1, items.Length / readItems) == 0).Select(item => item.Id)];
        foreach (string[] page in ids.Chunk(MoorchehStore.MaxIds))
        {
            if (await CheckItemsAsync(store, page) is { } wrong)
            {
                return wrong;
            }
        }

        _nearest ??= [.. _queries.Select(query => BruteForce.Nearest(items, query, Top))];
        for (int q = 0; q < _queries.Length; q++)
        {
            try
            {
                SearchResult found = await store.SearchAsync(new SearchRequest(name, _queries[q]) { TopK = Top });
                if (!found.Hits.Select(hit => hit.Id).SequenceEqual(_nearest[q]))
                {
                    return $"query {q} found {string.Join(' ', found.Hits.Select(hit => hit.Id))} instead of {string.Join(' ', _nearest[q])}";
                }
            }
            catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
            {
                _isTyped = true;
            }
        }

        return null;
    }

    private async Task<string?> CheckItemsAsync(MoorchehStore store, string[] ids)
    {
        try
        {
            IReadOnlyList<Item> found = await store.GetItemsAsync(name, ids);
            if (found.Count != ids.Length)
            {
                return $"{found.Count} items of {ids.Length} from {ids[0]} on";
            }

            Item? other = found.FirstOrDefault(item => item.Text is not null || !item.Metadata.Equals(_items[item.Id].Metadata ?? ItemMetadata.Empty));
            return other is null ? null : $"item {other.Id} has other metadata";
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
        {
            _isTyped = true;
            foreach (string id in ids.Length > 1 ? ids : [])
            {
                if (await CheckItemsAsync(store, [id]) is { } wrong)
                {
                    return wrong;
                }
            }

            return null;
        }
    }

    private static VectorItem[] Padded(VectorItem[] items) =>
    [
        .. items.Select((item, i) => item with
        {
            Metadata = new JsonObject { ["pad"] = new string((char)('a' + (i % 26)), 1900) + i.ToString(CultureInfo.InvariantCulture) },
        }),
    ];
}
