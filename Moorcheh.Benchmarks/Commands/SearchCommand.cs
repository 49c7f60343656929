using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Moorcheh.Benchmarks.Data;
using Moorcheh.Kernels;

namespace Moorcheh.Benchmarks.Commands;

/// <summary>
/// <c>search --synthetic standard --count N --dim D</c> or <c>search --vectors FILE --dim D</c>: loads vectors into a store and into an index
/// alone, searches with each guarantee, and compares answers and speed with a float32 brute force in the same run. One JSON line for each
/// engine and guarantee, and one for opening the store again.
/// </summary>
internal sealed class SearchCommand
{
    // The compiler optimises a method after its thirtieth call or so, in the background.
    private const int WarmUpRounds = 2;
    private const int BruteForceQueries = 20;
    private const string Name = "search";

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };
    private static readonly ItemMetadata In = new JsonObject { ["share"] = "in" };
    private static readonly ItemMetadata Out = new JsonObject { ["share"] = "out" };

    public required VectorSet Set { get; init; }

    public required int Top { get; init; }

    public required int Threads { get; init; }

    public required int Rounds { get; init; }

    public required int Repeats { get; init; }

    public required double? FilterShare { get; init; }

    public required bool Batch { get; init; }

    public required SearchGuarantee[] Guarantees { get; init; }

    private double ReadGBps { get; set; }

    public static Command Create()
    {
        var vectors = new Option<string?>("--vectors") { Description = "Raw little-endian float32 rows; the last rows are the queries." };
        var synthetic = new Option<string>("--synthetic") { Description = "standard, hard, harder, isotropic or collapsed.", DefaultValueFactory = _ => "standard" };
        var count = new Option<int>("--count") { Description = "Vectors, when synthetic.", DefaultValueFactory = _ => 100_000 };
        var dimension = new Option<int>("--dim") { Description = "Values per vector.", DefaultValueFactory = _ => 512 };
        var queries = new Option<int>("--queries") { Description = "Queries.", DefaultValueFactory = _ => 100 };
        var top = new Option<int>("--top") { Description = "Neighbours.", DefaultValueFactory = _ => 10 };
        var threads = new Option<int>("--threads") { Description = "Threads of one search.", DefaultValueFactory = _ => 1 };
        var rounds = new Option<int>("--rounds") { Description = "Times each query is asked in a repeat.", DefaultValueFactory = _ => 5 };
        var repeats = new Option<int>("--repeats") { Description = "Repeats, each with a brute force beside it; median and spread are reported.", DefaultValueFactory = _ => 3 };
        var share = new Option<double?>("--filter-share") { Description = "Share of the items that a metadata filter lets through, such as 0.01; store only." };
        var batch = new Option<bool>("--batch") { Description = "Measures one call for all queries too; store only." };
        var guarantee = new Option<SearchGuarantee?>("--guarantee") { Description = "Only this one." };
        var seed = new Option<int>("--seed") { Description = "Seed of synthetic vectors.", DefaultValueFactory = _ => 1 };
        var command = new Command("search", "Measures search.")
        {
            vectors, synthetic, count, dimension, queries, top, threads, rounds, repeats, share, batch, guarantee, seed,
        };
        command.SetAction((parsed, token) =>
        {
            int dim = parsed.GetValue(dimension);
            int asked = parsed.GetValue(queries);
            var run = new SearchCommand
            {
                Set = parsed.GetValue(vectors) is { } file
                    ? VectorSet.Read(file, dim, asked)
                    : VectorSet.Synthetic(parsed.GetValue(synthetic)!, parsed.GetValue(count), dim, asked, parsed.GetValue(seed)),
                Top = parsed.GetValue(top),
                Threads = parsed.GetValue(threads),
                Rounds = parsed.GetValue(rounds),
                Repeats = parsed.GetValue(repeats),
                FilterShare = parsed.GetValue(share),
                Batch = parsed.GetValue(batch),
                Guarantees = parsed.GetValue(guarantee) is { } only ? [only] : Enum.GetValues<SearchGuarantee>(),
            };
            return run.RunAsync(token);
        });
        return command;
    }

    private static string IdOf(int row) => $"v{row:D8}";

    private async Task<int> RunAsync(CancellationToken token)
    {
        string directory = Path.Combine(Path.GetTempPath(), "moorcheh-search-" + Guid.NewGuid().ToString("N"));
        try
        {
            MoorchehStore store = await OpenAsync(directory, token);
            try
            {
                double buildSeconds = await BuildAsync(store, token);
                Set.Normalise();
                var oracle = new Oracle(Set, Top, FilterShare is null ? null : IsIn);
                ReadGBps = Oracle.ReadGBps((long)Set.Count * BlockLayout.PaddedDimension(Set.Dimension) / 8);
                foreach (SearchGuarantee guarantee in Guarantees)
                {
                    await MeasureStoreAsync(store, guarantee, oracle, buildSeconds, token);
                }

                if (FilterShare is null)
                {
                    var clock = Stopwatch.StartNew();
                    var index = new IndexEngine(Set);
                    buildSeconds = clock.Elapsed.TotalSeconds;
                    foreach (SearchGuarantee guarantee in Guarantees)
                    {
                        await MeasureAsync("index", guarantee, 1, oracle, buildSeconds, (q, wantsRows) =>
                        {
                            List<(double Cosine, int Row)> best = index.Search(Set.Query(q).Span, Top, guarantee);
                            int[] rows = wantsRows ? [.. best.Select(hit => hit.Row)] : [];
                            return ValueTask.FromResult(new Answer(rows, double.NaN, index.Rescored8, index.Rescored32));
                        });
                    }
                }
            }
            finally
            {
                var clock = Stopwatch.StartNew();
                await store.DisposeAsync();
                await Console.Error.WriteLineAsync($"closed in {clock.Elapsed.TotalSeconds:F1} s");
            }

            await MeasureOpenAsync(directory, token);
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static Task<MoorchehStore> OpenAsync(string directory, CancellationToken token) =>
        MoorchehStore.OpenAsync(directory, new MoorchehOptions { Limits = { MaxItems = 0 } }, token);

    private async Task<double> BuildAsync(MoorchehStore store, CancellationToken token)
    {
        const int BatchItems = 10_000;
        await store.CreateNamespaceAsync(Name, NamespaceKind.Vector, Set.Dimension, token);
        var clock = Stopwatch.StartNew();
        UploadJob? job = null;
        for (int i = 0; i < Set.Count; i += BatchItems)
        {
            VectorItem[] items =
            [
                .. Enumerable.Range(i, Math.Min(BatchItems, Set.Count - i))
                    .Select(j => new VectorItem(IdOf(j), Set.Row(j), FilterShare is null ? null : IsIn(j) ? In : Out)),
            ];
            job = await store.UploadVectorsAsync(Name, items, token);
            await Console.Error.WriteAsync($"\ruploaded {i + items.Length}");
        }

        await job!.WaitAsync(token);
        await Console.Error.WriteLineAsync($" in {clock.Elapsed.TotalSeconds:F1} s");
        return clock.Elapsed.TotalSeconds;
    }

    /// <summary>A random share of the items, spread over all blocks.</summary>
    private bool IsIn(int row) => (SplitMix64.At(99, (ulong)row) >> 11) * (1.0 / (1UL << 53)) < FilterShare;

    private Task MeasureStoreAsync(
        MoorchehStore store, SearchGuarantee guarantee, Oracle oracle, double buildSeconds, CancellationToken token)
    {
        return MeasureAsync(
            "store",
            guarantee,
            Threads,
            oracle,
            buildSeconds,
            (q, wantsRows) => SearchAsync(q, FilterShare is null ? null : In, wantsRows),
            FilterShare is null ? null : (q, wantsRows) => SearchAsync(q, null, wantsRows),
            Batch ? async () => await store.SearchBatchAsync([.. Enumerable.Range(0, Set.Queries).Select(q => Request(q, FilterShare is null ? null : In))], token) : null);

        SearchRequest Request(int q, ItemMetadata? filter) =>
            new([Name], Set.Query(q)) { TopK = Top, Guarantee = guarantee, Threads = Threads, Metadata = filter };

        async ValueTask<Answer> SearchAsync(int q, ItemMetadata? filter, bool wantsRows)
        {
            SearchResult result = await store.SearchAsync(Request(q, filter), token);
            return new Answer(
                wantsRows ? [.. result.Hits.Select(hit => int.Parse(hit.Id.AsSpan(1), CultureInfo.InvariantCulture))] : [],
                result.Timings.CalculateDistance.TotalMicroseconds,
                result.Work.Rescored8,
                result.Work.Rescored32);
        }
    }

    private async Task MeasureAsync(
        string engine,
        SearchGuarantee guarantee,
        int threads,
        Oracle oracle,
        double buildSeconds,
        Func<int, bool, ValueTask<Answer>> search,
        Func<int, bool, ValueTask<Answer>>? unfiltered = null,
        Func<Task>? batch = null)
    {
        // Rounds before the measured ones warm up, and check.
        Answer[] answers = new Answer[Set.Queries];
        for (int round = 0; round < WarmUpRounds; round++)
        {
            for (int q = 0; q < Set.Queries; q++)
            {
                answers[q] = await search(q, true);
                if (unfiltered is not null)
                {
                    await unfiltered(q, false);
                }
            }

            await (batch?.Invoke() ?? Task.CompletedTask);
        }

        List<SearchRun> runs = [];
        List<double> timesUnfiltered = [];
        List<double> batchMicros = [];
        List<double> timesSingle = [];
        for (int repeat = 0; repeat < Repeats; repeat++)
        {
            var run = new SearchRun { BruteForceQps = oracle.Qps(BruteForceQueries) };
            await run.MeasureAsync(Set.Queries, Rounds, search);
            runs.Add(run);
            if (unfiltered is not null)
            {
                var whole = new SearchRun { BruteForceQps = run.BruteForceQps };
                await whole.MeasureAsync(Set.Queries, Rounds, unfiltered);
                timesUnfiltered.Add(run.P50 / whole.P50);
            }

            if (batch is not null)
            {
                double[] micros = new double[Rounds];
                for (int round = 0; round < Rounds; round++)
                {
                    long start = Stopwatch.GetTimestamp();
                    await batch();
                    micros[round] = Stopwatch.GetElapsedTime(start).TotalMicroseconds / Set.Queries;
                }

                Array.Sort(micros);
                batchMicros.Add(micros[Rounds / 2]);
                timesSingle.Add(1e6 / run.Qps / batchMicros[^1]);
            }
        }

        int padded = BlockLayout.PaddedDimension(Set.Dimension);
        double hotBytes = (padded / 8.0) + (BlockLayout.FactorsPerBlock * sizeof(float) / BlockLayout.SlotsPerBlock);
        double scanBytes = guarantee == SearchGuarantee.Absolute ? padded + 8 : hotBytes;
        int expected = oracle.Expected.Sum(rows => rows.Length);
        int found = answers.Select((answer, q) => answer.Rows.Intersect(oracle.Expected[q]).Count()).Sum();
        Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                Command = "search",
                Data = Set.Name,
                Engine = engine,
                Guarantee = guarantee.ToString(),
                Count = Set.Count,
                Dim = Set.Dimension,
                Set.Queries,
                Top,
                Threads = threads,
                FilterShare,
                Recall = Math.Round(found / (double)Math.Max(1, expected), 5),
                SameOrder = Math.Round(answers.Where((answer, q) => answer.Rows.SequenceEqual(oracle.Expected[q])).Count() / (double)Set.Queries, 5),
                P50Us = Spread.Of(runs.Select(run => run.P50), 1),
                P95Us = Spread.Of(runs.Select(run => run.P95), 1),
                Qps = Spread.Of(runs.Select(run => run.Qps), 1),
                BruteForceQps = Spread.Of(runs.Select(run => run.BruteForceQps), 2),
                Ratio = Spread.Of(runs.Select(run => run.Ratio), 1),
                TimesUnfiltered = timesUnfiltered.Count == 0 ? null : Spread.Of(timesUnfiltered, 2),
                BatchUsPerQuery = batchMicros.Count == 0 ? null : Spread.Of(batchMicros, 1),
                BatchTimesSingle = timesSingle.Count == 0 ? null : Spread.Of(timesSingle, 2),
                ScanGBps = engine == "store" && FilterShare is null
                    ? Spread.Of(runs.Select(run => scanBytes * Set.Count / run.ScanP50 / 1e3), 1)
                    : null,
                ReadGBps = Math.Round(ReadGBps, 1),
                BuildSeconds = Math.Round(buildSeconds, 2),
                BytesPerItem = hotBytes,
                ResidentBytes = Environment.WorkingSet,
                Rescored8 = Math.Round(answers.Average(answer => answer.Rescored8), 1),
                Rescored32 = Math.Round(answers.Average(answer => answer.Rescored32), 1),
                AllocatedBytes = engine == "store" ? runs.Min(run => run.Allocated) : (long?)null,
            },
            Json));
    }

    private async Task MeasureOpenAsync(string directory, CancellationToken token)
    {
        var clock = Stopwatch.StartNew();
        await using MoorchehStore store = await OpenAsync(directory, token);
        double openSeconds = clock.Elapsed.TotalSeconds;
        Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                Command = "open",
                Data = Set.Name,
                Count = store.GetNamespace(Name).ItemCount,
                Dim = Set.Dimension,
                OpenSeconds = Math.Round(openSeconds, 2),
            },
            Json));
    }
}
