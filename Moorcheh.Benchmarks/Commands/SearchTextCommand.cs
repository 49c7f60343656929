using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Moorcheh.Benchmarks.Data;
using Moorcheh.Index.Postings;

namespace Moorcheh.Benchmarks.Commands;

/// <summary>
/// <c>search-text --count N</c>: uploads synthetic texts with synthetic vectors and measures the modes in one run, in turn. One JSON line for
/// each mode, with the processor time a search takes beside its time on the clock, and one for the bytes that the postings take.
/// </summary>
internal sealed class SearchTextCommand
{
    private const int WarmUpRounds = 3;
    private const string Name = "texts";

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public required TextSet Set { get; init; }

    public required int Dimension { get; init; }

    public required int Top { get; init; }

    public required int Rounds { get; init; }

    public required int Repeats { get; init; }

    public required string Filter { get; init; }

    public required int MemoryMiB { get; init; }

    public static Command Create()
    {
        var count = new Option<int>("--count") { Description = "Texts.", DefaultValueFactory = _ => 100_000 };
        var dimension = new Option<int>("--dim") { Description = "Values per vector.", DefaultValueFactory = _ => 384 };
        var queries = new Option<int>("--queries") { Description = "Queries.", DefaultValueFactory = _ => 100 };
        var words = new Option<int>("--words") { Description = "Words of a query.", DefaultValueFactory = _ => 6 };
        var vocabulary = new Option<int>("--vocabulary") { Description = "Different words.", DefaultValueFactory = _ => 50_000 };
        var top = new Option<int>("--top") { Description = "Hits.", DefaultValueFactory = _ => 10 };
        var rounds = new Option<int>("--rounds") { Description = "Times each query is asked in a repeat.", DefaultValueFactory = _ => 5 };
        var repeats = new Option<int>("--repeats") { Description = "Repeats; median and spread are reported.", DefaultValueFactory = _ => 5 };
        var filter = new Option<string>("--filter") { Description = "Filters at the end of each query, such as '#w100'.", DefaultValueFactory = _ => "" };
        var memory = new Option<int>("--memory") { Description = "MiB for the record store; with the default all records stay in memory.", DefaultValueFactory = _ => 2048 };
        var command = new Command("search-text", "Measures searches by meaning, by words, and by both.")
        {
            count, dimension, queries, words, vocabulary, top, rounds, repeats, filter, memory,
        };
        command.SetAction((parsed, token) =>
        {
            int dim = parsed.GetValue(dimension);
            VectorSet vectors = VectorSet.Synthetic("standard", parsed.GetValue(count), dim, parsed.GetValue(queries), seed: 1);
            var run = new SearchTextCommand
            {
                Set = new TextSet(vectors, parsed.GetValue(vocabulary), parsed.GetValue(words), seed: 2),
                Dimension = dim,
                Top = parsed.GetValue(top),
                Rounds = parsed.GetValue(rounds),
                Repeats = parsed.GetValue(repeats),
                Filter = parsed.GetValue(filter)!,
                MemoryMiB = parsed.GetValue(memory),
            };
            return run.RunAsync(token);
        });
        return command;
    }

    private async Task<int> RunAsync(CancellationToken token)
    {
        MeasureBytes();
        string directory = Path.Combine(Path.GetTempPath(), "moorcheh-text-" + Guid.NewGuid().ToString("N"));
        try
        {
            var options = new MoorchehOptions
            {
                Limits = { MaxItems = 0 },
                Embedding = { Generator = Set },
                Storage = { MemoryBudgetBytes = (long)MemoryMiB << 20 },
            };
            await using MoorchehStore store = await MoorchehStore.OpenAsync(directory, options, token);
            await UploadAsync(store, token);
            await MeasureAsync(store, token);
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private async Task UploadAsync(MoorchehStore store, CancellationToken token)
    {
        const int BatchItems = 2_000;
        await store.CreateNamespaceAsync(Name, NamespaceKind.Text, cancellationToken: token);
        var clock = Stopwatch.StartNew();
        int next = 0;
        foreach (string[] part in Set.Texts.Chunk(BatchItems))
        {
            Document[] documents = [.. part.Select(text => new Document(string.Create(CultureInfo.InvariantCulture, $"t{next++:D8}"), text))];
            await (await store.UploadDocumentsAsync(Name, documents, token)).WaitAsync(token);
        }

        await Console.Error.WriteLineAsync($"uploaded {Set.Texts.Length} in {clock.Elapsed.TotalSeconds:F1} s");
    }

    private async Task MeasureAsync(MoorchehStore store, CancellationToken token)
    {
        SearchMode[] modes = Enum.GetValues<SearchMode>();
        var p50 = modes.ToDictionary(mode => mode, _ => new List<double>());
        var p95 = modes.ToDictionary(mode => mode, _ => new List<double>());
        var cpu = modes.ToDictionary(mode => mode, _ => new List<double>());
        for (int repeat = -1; repeat < Repeats; repeat++)
        {
            var spent = modes.ToDictionary(mode => mode, _ => TimeSpan.Zero);
            var times = modes.ToDictionary(mode => mode, _ => new List<double>());
            for (int round = 0; round < (repeat < 0 ? WarmUpRounds : Rounds); round++)
            {
                foreach (SearchMode mode in modes)
                {
                    TimeSpan before = Environment.CpuUsage.TotalTime;
                    foreach (string query in Set.Queries)
                    {
                        // The filter is no part of what is embedded.
                        var request = new SearchRequest(Name, $"{query} {Filter}".TrimEnd()) { Mode = mode, TopK = Top };
                        long start = Stopwatch.GetTimestamp();
                        await store.SearchAsync(request, token);
                        times[mode].Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
                    }

                    spent[mode] += Environment.CpuUsage.TotalTime - before;
                }
            }

            foreach (SearchMode mode in repeat < 0 ? [] : modes)
            {
                times[mode].Sort();
                cpu[mode].Add(spent[mode].TotalMicroseconds / times[mode].Count);
                p50[mode].Add(times[mode][times[mode].Count / 2]);
                p95[mode].Add(times[mode][(int)(times[mode].Count * 0.95)]);
            }
        }

        foreach (SearchMode mode in modes)
        {
            Print(new
            {
                Command = "search-text",
                Mode = mode.ToString(),
                Count = Set.Texts.Length,
                Dim = Dimension,
                Queries = Set.Queries.Length,
                Query = Set.Queries[0],
                Filter,
                Top,
                P50Us = Spread.Of(p50[mode], 1),
                P95Us = Spread.Of(p95[mode], 1),
                CpuUs = Spread.Of(cpu[mode], 1),
                CpuTimesSemantic = Spread.Of(cpu[mode].Zip(cpu[SearchMode.Semantic], (own, semantic) => own / semantic), 2),
                TimesSemantic = Spread.Of(p50[mode].Zip(p50[SearchMode.Semantic], (own, semantic) => own / semantic), 2),
            });
        }
    }

    /// <summary>What postings take of one full segment, with and without what only searches by words need.</summary>
    private void MeasureBytes()
    {
        var whole = new SegmentPostings();
        var plain = new SegmentPostings();
        int texts = Math.Min(Set.Texts.Length, SegmentPostings.MaxSlots);
        List<ulong> words = [];
        for (int slot = 0; slot < texts; slot++)
        {
            byte[] text = Encoding.UTF8.GetBytes(Set.Texts[slot]);
            whole.Add(slot, default, text);
            words.Clear();
            ItemTerms.CollectWords(text, words);
            foreach (ulong word in words)
            {
                plain.Add(slot, word);
            }
        }

        Print(new
        {
            Command = "postings",
            Texts = texts,
            WordsPerText = Math.Round(Set.Texts.Take(texts).Average(text => text.Split(' ').Length), 1),
            GrowingBytesPerText = Math.Round((double)whole.Bytes / texts, 1),
            GrowingBytesWithoutCounts = Math.Round((double)plain.Bytes / texts, 1),
            SealedBytesPerText = Math.Round((double)whole.Seal().Bytes / texts, 1),
            SealedBytesWithoutCounts = Math.Round((double)plain.Seal().Bytes / texts, 1),
        });
    }

    private static void Print(object line) => Console.WriteLine(JsonSerializer.Serialize(line, Json));
}
