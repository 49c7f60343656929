using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;

namespace Moorcheh.Benchmarks.Commands;

/// <summary>
/// <c>ingest --count N --dim D</c>: uploads random vectors and prints how many a second became durable and searchable, in ten equal
/// parts.
/// </summary>
internal static class IngestCommand
{
    public static Command Create()
    {
        var count = new Option<int>("--count") { Description = "Vectors to upload.", DefaultValueFactory = _ => 100_000 };
        var dimension = new Option<int>("--dim") { Description = "Values per vector.", DefaultValueFactory = _ => 512 };
        var batch = new Option<int>("--batch") { Description = "Vectors per upload.", DefaultValueFactory = _ => 10_000 };
        var seed = new Option<int>("--seed") { Description = "Seed of the vectors.", DefaultValueFactory = _ => 1 };
        var directory = new Option<string>("--directory")
        {
            Description = "Where the store goes; it is removed afterwards.",
            DefaultValueFactory = _ => Path.Combine(Path.GetTempPath(), "moorcheh-ingest-" + Guid.NewGuid().ToString("N")),
        };
        var command = new Command("ingest", "Uploads random vectors.") { count, dimension, batch, seed, directory };
        command.SetAction((parsed, token) => RunAsync(
            parsed.GetValue(count), parsed.GetValue(dimension), parsed.GetValue(batch), parsed.GetValue(seed), parsed.GetValue(directory)!, token));
        return command;
    }

    private static async Task<int> RunAsync(int count, int dimension, int batch, int seed, string directory, CancellationToken token)
    {
        try
        {
            await using MoorchehStore store = await MoorchehStore.OpenAsync(directory, new MoorchehOptions { MaxItems = 0 }, token);
            await store.CreateNamespaceAsync("ingest", NamespaceKind.Vector, dimension, token);

            // One batch of vectors is made before the clock starts and uploaded again and again under new ids.
            var random = new Random(seed);
            float[][] vectors = [.. Enumerable.Range(0, batch).Select(_ => Enumerable.Range(0, dimension).Select(_ => (random.NextSingle() * 2) - 1).ToArray())];

            List<double> partSeconds = [];
            UploadJob? last = null;
            var clock = Stopwatch.StartNew();
            double partStart = 0;
            int part = Math.Max(batch, count / 10);
            for (int done = 0; done < count;)
            {
                int size = Math.Min(batch, count - done);
                var items = new VectorItem[size];
                for (int i = 0; i < size; i++)
                {
                    items[i] = new VectorItem($"item-{done + i}", vectors[i].AsMemory());
                }

                last = await store.UploadVectorsAsync("ingest", items, token);
                done += size;
                if (done % part == 0 || done == count)
                {
                    // A part is over when its last upload is stored, so that parts do not borrow from the queue.
                    await last.WaitAsync(token);
                    partSeconds.Add(clock.Elapsed.TotalSeconds - partStart);
                    partStart = clock.Elapsed.TotalSeconds;
                    await Console.Error.WriteLineAsync($"{done} of {count}: {part / partSeconds[^1]:F0} items/s");
                }
            }

            double total = clock.Elapsed.TotalSeconds;
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                command = "ingest",
                count,
                dim = dimension,
                batch,
                seed,
                itemsPerSecond = Math.Round(count / total),
                partItemsPerSecond = partSeconds.Select(seconds => Math.Round(part / seconds)),
                lastToFirst = Math.Round(partSeconds[^1] / partSeconds[0], 3),
                residentBytes = Environment.WorkingSet,
                allocatedBytesPerItem = GC.GetTotalAllocatedBytes() / count,
            }));
            return 0;
        }
        finally
        {
            if (Directory.Exists(directory))
            {
                Directory.Delete(directory, recursive: true);
            }
        }
    }
}
