using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Moorcheh.Benchmarks.Data;

namespace Moorcheh.Benchmarks.Commands;

/// <summary>
/// <c>filters --count N --dim D</c>: searches with filters of several shapes, each at several selectivities, and without one, in turn in the same run. One JSON
/// line for each.
/// </summary>
internal sealed class FilterCommand
{
    private const string Name = "filters";
    private const int WarmUpRounds = 2;

    private static readonly double[] Shares = [0.001, 0.01, 0.1, 0.5];
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };
    private static readonly DateTime Epoch = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    public required VectorSet Set { get; init; }

    public required int Rounds { get; init; }

    public required int Repeats { get; init; }

    public static Command Create()
    {
        var count = new Option<int>("--count") { Description = "Vectors.", DefaultValueFactory = _ => 100_000 };
        var dimension = new Option<int>("--dim") { Description = "Values per vector.", DefaultValueFactory = _ => 512 };
        var queries = new Option<int>("--queries") { Description = "Queries.", DefaultValueFactory = _ => 50 };
        var rounds = new Option<int>("--rounds") { Description = "Times each query is asked in a repeat.", DefaultValueFactory = _ => 3 };
        var repeats = new Option<int>("--repeats") { Description = "Repeats; median and spread are reported.", DefaultValueFactory = _ => 3 };
        var command = new Command("filters", "Measures searches with filters.") { count, dimension, queries, rounds, repeats };
        command.SetAction((parsed, token) => new FilterCommand
        {
            Set = VectorSet.Synthetic("standard", parsed.GetValue(count), parsed.GetValue(dimension), parsed.GetValue(queries), 1),
            Rounds = parsed.GetValue(rounds),
            Repeats = parsed.GetValue(repeats),
        }.RunAsync(token));
        return command;
    }

    /// <summary>Filters that let a share of the items through, by name.</summary>
    private IEnumerable<(string Shape, Filter Filter)> Filters(double share)
    {
        int end = (int)(share * Set.Count);
        int start = Set.Count / 4;
        yield return ("number range", Filter.And(Filter.GreaterThanOrEqual("rank", start), Filter.LessThan("rank", start + end)));
        yield return ("date range", Filter.And(Filter.GreaterThanOrEqual("at", TimeOf(start)), Filter.LessThan("at", TimeOf(start + end))));
        yield return ("set", Filter.In("group", [.. Enumerable.Range(0, (int)(share * 1000)).Select(group => (FilterValue)group)]));
        yield return ("not or", Filter.Not(Filter.Or(Filter.LessThan("rank", start), Filter.GreaterThanOrEqual("rank", start + end), Filter.Equal("tags", "none"))));
    }

    private static string TimeOf(int rank) => Epoch.AddMinutes(rank).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private async Task<int> RunAsync(CancellationToken token)
    {
        string directory = Path.Combine(Path.GetTempPath(), "moorcheh-filters-" + Guid.NewGuid().ToString("N"));
        try
        {
            await using MoorchehStore store = await MoorchehStore.OpenAsync(directory, new MoorchehOptions { Limits = { MaxItems = 0 } }, token);
            double seconds = await BuildAsync(store, token);
            Console.WriteLine(JsonSerializer.Serialize(new { Command = "filters", Set.Count, Dim = Set.Dimension, BuildSeconds = Math.Round(seconds, 2), ResidentBytes = Environment.WorkingSet }, Json));
            foreach (double share in Shares)
            {
                foreach ((string shape, Filter filter) in Filters(share))
                {
                    await MeasureAsync(store, share, shape, filter, token);
                }
            }

            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private async Task<double> BuildAsync(MoorchehStore store, CancellationToken token)
    {
        int[] ranks = [.. Enumerable.Range(0, Set.Count)];
        new Random(1).Shuffle(ranks);
        await store.CreateNamespaceAsync(Name, NamespaceKind.Vector, Set.Dimension, token);
        var clock = Stopwatch.StartNew();
        Job<UploadJobStatus>? job = null;
        foreach (int[] rows in Enumerable.Range(0, Set.Count).Chunk(10_000))
        {
            job = await store.UploadVectorsAsync(Name, [.. rows.Select(row => new VectorItem($"v{row}", Set.Row(row), MetadataOf(ranks[row])))], token);
        }

        await job!.WaitAsync(token);
        return clock.Elapsed.TotalSeconds;
    }

    private static ItemMetadata MetadataOf(int rank) => new JsonObject
    {
        ["rank"] = rank,
        ["at"] = TimeOf(rank),
        ["group"] = rank % 1000,
        ["tags"] = new JsonArray("all", $"tag{rank % 7}"),
        ["title"] = $"the item of rank {rank}",
    };

    private async Task MeasureAsync(MoorchehStore store, double share, string shape, Filter filter, CancellationToken token)
    {
        async ValueTask<Answer> SearchAsync(int query, Filter? wanted)
        {
            SearchResult result = await store.SearchAsync(new SearchRequest([Name], Set.Query(query)) { Filter = wanted }, token);
            return new Answer([], double.NaN, result.Work.Rescored8, result.Work.Rescored32);
        }

        for (int query = 0; query < WarmUpRounds * Set.Queries; query++)
        {
            await SearchAsync(query % Set.Queries, filter);
            await SearchAsync(query % Set.Queries, null);
        }

        List<double> filtered = [];
        List<double> unfiltered = [];
        for (int repeat = 0; repeat < Repeats; repeat++)
        {
            var with = new SearchRun { BruteForceQps = 1 };
            var without = new SearchRun { BruteForceQps = 1 };
            for (int round = 0; round < Rounds; round++)
            {
                // One after the other, so that what else the machine does meets both.
                for (int query = 0; query < Set.Queries; query++)
                {
                    int one = query;
                    await with.MeasureAsync(1, 1, (_, _) => SearchAsync(one, filter));
                    await without.MeasureAsync(1, 1, (_, _) => SearchAsync(one, null));
                }
            }

            filtered.Add(with.P50);
            unfiltered.Add(without.P50);
        }

        Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                Command = "filters",
                Shape = shape,
                Share = share,
                Matching = await store.CountItemsAsync(Name, filter, token),
                P50Us = Spread.Of(filtered, 1),
                UnfilteredP50Us = Spread.Of(unfiltered, 1),
                TimesUnfiltered = Spread.Of(filtered.Zip(unfiltered, (with, without) => with / without), 2),
            },
            Json));
    }
}
