using System.CommandLine;
using System.Diagnostics;
using System.Numerics.Tensors;
using System.Text.Json;
using Moorcheh.Benchmarks.Data;

namespace Moorcheh.Benchmarks.Commands;

/// <summary>
/// <c>search --synthetic standard --count N --dim D</c> or <c>search --vectors FILE --dim D</c>: loads vectors into a store, searches
/// with each guarantee, and compares answers and speed with a float32 brute force in the same run. One JSON line a guarantee.
/// </summary>
internal static class SearchCommand
{
    // The compiler optimises a method after its thirtieth call or so, in the background.
    private const int WarmUpRounds = 2;

    public static Command Create()
    {
        var vectors = new Option<string?>("--vectors") { Description = "Raw little-endian float32 rows; the last rows are the queries." };
        var synthetic = new Option<string>("--synthetic") { Description = "standard, hard, harder, isotropic or collapsed.", DefaultValueFactory = _ => "standard" };
        var count = new Option<int>("--count") { Description = "Vectors, when synthetic.", DefaultValueFactory = _ => 100_000 };
        var dimension = new Option<int>("--dim") { Description = "Values per vector.", DefaultValueFactory = _ => 512 };
        var queries = new Option<int>("--queries") { Description = "Queries.", DefaultValueFactory = _ => 100 };
        var top = new Option<int>("--top") { Description = "Neighbours.", DefaultValueFactory = _ => 10 };
        var threads = new Option<int>("--threads") { Description = "Threads of one search.", DefaultValueFactory = _ => 1 };
        var rounds = new Option<int>("--rounds") { Description = "Times each query is asked.", DefaultValueFactory = _ => 5 };
        var seed = new Option<int>("--seed") { Description = "Seed of synthetic vectors.", DefaultValueFactory = _ => 1 };
        var command = new Command("search", "Measures search.") { vectors, synthetic, count, dimension, queries, top, threads, rounds, seed };
        command.SetAction((parsed, token) =>
        {
            int dim = parsed.GetValue(dimension);
            int asked = parsed.GetValue(queries);
            VectorSet set = parsed.GetValue(vectors) is { } file
                ? VectorSet.Read(file, dim, asked)
                : VectorSet.Synthetic(parsed.GetValue(synthetic)!, parsed.GetValue(count), dim, asked, parsed.GetValue(seed));
            return RunAsync(set, parsed.GetValue(top), parsed.GetValue(threads), parsed.GetValue(rounds), token);
        });
        return command;
    }

    private static async Task<int> RunAsync(VectorSet set, int top, int threads, int rounds, CancellationToken token)
    {
        string directory = Path.Combine(Path.GetTempPath(), "moorcheh-search-" + Guid.NewGuid().ToString("N"));
        try
        {
            await using MoorchehStore store = await MoorchehStore.OpenAsync(directory, new MoorchehOptions { MaxItems = 0 }, token);
            await store.CreateNamespaceAsync("search", NamespaceKind.Vector, set.Dimension, token);
            var clock = Stopwatch.StartNew();
            const int Batch = 10_000;
            UploadJob? job = null;
            for (int i = 0; i < set.Count; i += Batch)
            {
                VectorItem[] items = [.. Enumerable.Range(i, Math.Min(Batch, set.Count - i)).Select(j => new VectorItem($"v{j:D8}", set.Row(j)))];
                job = await store.UploadVectorsAsync("search", items, token);
                await Console.Error.WriteAsync($"\ruploaded {i + items.Length}");
            }

            await job!.WaitAsync(token);
            double buildSeconds = clock.Elapsed.TotalSeconds;
            await Console.Error.WriteLineAsync($" in {buildSeconds:F1} s");

            set.Normalise();
            (string[][] expected, double bruteForceQps) = BruteForce(set, top);
            double readGBps = ReadSpeed(set.Count * (set.Dimension / 8L));
            foreach (SearchGuarantee guarantee in Enum.GetValues<SearchGuarantee>())
            {
                await MeasureAsync(store, set, guarantee, top, threads, rounds, expected, bruteForceQps, readGBps, buildSeconds, token);
            }

            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task MeasureAsync(
        MoorchehStore store,
        VectorSet set,
        SearchGuarantee guarantee,
        int top,
        int threads,
        int rounds,
        string[][] expected,
        double bruteForceQps,
        double readGBps,
        double buildSeconds,
        CancellationToken token)
    {
        int found = 0;
        int sameOrder = 0;
        long rescored8 = 0;
        long rescored32 = 0;
        List<double> micros = [];
        List<double> scanMicros = [];
        long allocatedBefore = 0;
        for (int round = -WarmUpRounds; round <= rounds; round++)
        {
            if (round == 1)
            {
                allocatedBefore = GC.GetTotalAllocatedBytes(precise: true);
            }

            for (int q = 0; q < set.Queries; q++)
            {
                var request = new SearchRequest(["search"], set.Query(q)) { TopK = top, Guarantee = guarantee, Threads = threads };
                long start = Stopwatch.GetTimestamp();
                SearchResult result = await store.SearchAsync(request, token);
                double elapsed = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
                if (round == 0)
                {
                    // The rounds before the measured ones warm up; the last of them checks.
                    string[] ids = [.. result.Hits.Select(hit => hit.Id)];
                    found += ids.Intersect(expected[q]).Count();
                    sameOrder += ids.SequenceEqual(expected[q]) ? 1 : 0;
                    rescored8 += result.Work.Rescored8;
                    rescored32 += result.Work.Rescored32;
                }
                else if (round > 0)
                {
                    micros.Add(elapsed);
                    scanMicros.Add(result.Timings.CalculateDistance.TotalMicroseconds);
                }
            }
        }

        long allocated = (GC.GetTotalAllocatedBytes(precise: true) - allocatedBefore) / (rounds * set.Queries);
        micros.Sort();
        scanMicros.Sort();
        double qps = 1e6 / micros.Average();
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            command = "search",
            data = set.Name,
            engine = "store",
            guarantee = guarantee.ToString(),
            count = set.Count,
            dim = set.Dimension,
            queries = set.Queries,
            top,
            threads,
            recall = Math.Round(found / (double)(set.Queries * top), 5),
            sameOrder = Math.Round(sameOrder / (double)set.Queries, 5),
            p50Us = Math.Round(micros[micros.Count / 2], 1),
            p95Us = Math.Round(micros[(int)(micros.Count * 0.95)], 1),
            minUs = Math.Round(micros[0], 1),
            scanP50Us = Math.Round(scanMicros[scanMicros.Count / 2], 1),
            qps = Math.Round(qps, 1),
            bruteForceQps = Math.Round(bruteForceQps, 2),
            ratio = Math.Round(1e6 / micros[micros.Count / 2] / bruteForceQps, 1),
            readGBps = Math.Round(readGBps, 1),
            buildSeconds = Math.Round(buildSeconds, 2),
            residentBytes = Environment.WorkingSet,
            rescored8 = Math.Round(rescored8 / (double)set.Queries, 1),
            rescored32 = Math.Round(rescored32 / (double)set.Queries, 1),
            allocatedBytes = allocated,
        }));
    }

    /// <summary>Float32 dot products over contiguous normalised rows; the order of the best few is then settled in float64.</summary>
    private static (string[][] Expected, double Qps) BruteForce(VectorSet set, int top)
    {
        string[][] expected = new string[set.Queries][];
        float[] scores = new float[set.Count];
        List<double> seconds = [];
        for (int q = 0; q < set.Queries; q++)
        {
            long start = Stopwatch.GetTimestamp();
            ReadOnlySpan<float> query = set.Query(q).Span;
            for (int i = 0; i < set.Count; i++)
            {
                scores[i] = TensorPrimitives.Dot(query, set.Row(i).Span);
            }

            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            int[] order = [.. Enumerable.Range(0, set.Count)];
            Array.Sort((float[])scores.Clone(), order);
            expected[q] =
            [
                .. order.Skip(Math.Max(0, set.Count - top - 50)).OrderByDescending(i => set.Cosine(i, q)).ThenBy(i => i).Take(top).Select(i => $"v{i:D8}"),
            ];
        }

        seconds.Sort();
        return (expected, 1 / seconds[seconds.Count / 2]);
    }

    /// <summary>Gigabytes a second of summing as many bytes as the codes have.</summary>
    private static double ReadSpeed(long bytes)
    {
        long[] block = new long[bytes / sizeof(long)];
        double best = 0;
        for (int i = 0; i < 10; i++)
        {
            long start = Stopwatch.GetTimestamp();
            GC.KeepAlive(TensorPrimitives.Sum<long>(block));
            best = Math.Max(best, bytes / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9);
        }

        return best;
    }
}
