using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;

namespace Moorcheh.Benchmarks.Commands;

/// <summary>
/// <c>durability [--uploads N] [--dim D] [--recover N]</c>: how long one small upload takes until it is durable, how many a second are
/// accepted with 1, 16 and 64 clients, beside a plain flush of 4 KiB on the same disk, and how long a store takes to open after its
/// process was killed, beside the opening after a clean close.
/// </summary>
internal static class DurabilityCommand
{
    private const string Namespace = "durability";
    private const int FlushBytes = 4096;
    private const int Flushes = 500;

    private static readonly int[] ClientCounts = [1, 16, 64];

    public static Command Create()
    {
        var uploads = new Option<int>("--uploads") { Description = "Uploads of one vector, for each number of clients.", DefaultValueFactory = _ => 3_000 };
        var dimension = new Option<int>("--dim") { Description = "Values per vector.", DefaultValueFactory = _ => 512 };
        var recover = new Option<int>("--recover") { Description = "Vectors in the store whose process is killed.", DefaultValueFactory = _ => 100_000 };
        var fill = new Option<string?>("--fill") { Description = "Fills a directory and waits to be killed; for the command itself.", Hidden = true };
        var command = new Command("durability", "Latency of durable uploads, and recovery.") { uploads, dimension, recover, fill };
        command.SetAction(async (parsed, token) =>
        {
            if (parsed.GetValue(fill) is { } directory)
            {
                await FillAsync(directory, parsed.GetValue(recover), parsed.GetValue(dimension), token);
                return 0;
            }

            await MeasureUploadsAsync(parsed.GetValue(uploads), parsed.GetValue(dimension), token);
            await MeasureRecoveryAsync(parsed.GetValue(recover), parsed.GetValue(dimension), token);
            return 0;
        });
        return command;
    }

    private static async Task MeasureUploadsAsync(int uploads, int dimension, CancellationToken token)
    {
        using var directory = new ScratchDirectory();
        await using MoorchehStore store = await OpenAsync(directory.Path, token);
        await store.CreateNamespaceAsync(Namespace, NamespaceKind.Vector, dimension, token);
        float[] vector = RandomVector(new Random(1), dimension);
        int next = 0;
        await UploadAsync(uploads / 10); // Warms up.
        foreach (int clients in ClientCounts)
        {
            double[] flushes = FlushSeconds(directory.Path);
            long start = Stopwatch.GetTimestamp();
            double[][] seconds = await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(() => UploadAsync(uploads / clients))));
            double total = Stopwatch.GetElapsedTime(start).TotalSeconds;
            double[] all = [.. seconds.SelectMany(some => some).Order()];
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                command = "durability",
                clients,
                uploads = all.Length,
                dim = dimension,
                p50Us = Us(all, 0.5),
                p99Us = Us(all, 0.99),
                uploadsPerSecond = Math.Round(all.Length / total),
                flushP50Us = Us(flushes, 0.5),
                flushP99Us = Us(flushes, 0.99),
                timesFlush = Math.Round(At(all, 0.5) / At(flushes, 0.5), 2),
            }));
        }

        async Task<double[]> UploadAsync(int count)
        {
            double[] seconds = new double[count];
            for (int i = 0; i < count; i++)
            {
                VectorItem[] items = [new($"item-{Interlocked.Increment(ref next)}", vector)];
                long start = Stopwatch.GetTimestamp();
                while (true)
                {
                    try
                    {
                        await store.UploadVectorsAsync(Namespace, items, token);
                        break;
                    }
                    catch (MoorchehException e) when (e.Code == ErrorCodes.QueueFull)
                    {
                        await Task.Delay(1, token); // Its time counts: the client has to wait.
                    }
                }

                seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }

            return seconds;
        }
    }

    private static async Task MeasureRecoveryAsync(int count, int dimension, CancellationToken token)
    {
        using var directory = new ScratchDirectory();
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true,
            ArgumentList = { "durability", "--fill", directory.Path, "--recover", $"{count}", "--dim", $"{dimension}" },
        };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Insert(0, typeof(DurabilityCommand).Assembly.Location);
        }

        using (Process child = Process.Start(start)!)
        {
            await child.StandardOutput.ReadLineAsync(token);
            child.Kill();
            await child.WaitForExitAsync(token);
        }

        double killed = await OpenSecondsAsync();
        double closed = await OpenSecondsAsync();
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            command = "recovery",
            count,
            dim = dimension,
            openAfterKillSeconds = Math.Round(killed, 2),
            openAfterCloseSeconds = Math.Round(closed, 2),
        }));

        async Task<double> OpenSecondsAsync()
        {
            long before = Stopwatch.GetTimestamp();
            await using MoorchehStore store = await OpenAsync(directory.Path, token);
            double seconds = Stopwatch.GetElapsedTime(before).TotalSeconds;
            if (store.GetStatus().Items != count)
            {
                throw new InvalidDataException($"{store.GetStatus().Items} items are there, not {count}.");
            }

            return seconds;
        }
    }

    private static async Task FillAsync(string directory, int count, int dimension, CancellationToken token)
    {
        const int Batch = 5_000;
        await using MoorchehStore store = await OpenAsync(directory, token);
        await store.CreateNamespaceAsync(Namespace, NamespaceKind.Vector, dimension, token);
        var random = new Random(2);
        for (int done = 0; done < count; done += Batch)
        {
            UploadJob job = await store.UploadVectorsAsync(
                Namespace,
                [.. Enumerable.Range(done, Math.Min(Batch, count - done)).Select(i => new VectorItem($"item-{i}", RandomVector(random, dimension)))],
                token);
            await job.WaitAsync(token);
        }

        Console.WriteLine("filled");
        await Task.Delay(Timeout.Infinite, token);
    }

    private static Task<MoorchehStore> OpenAsync(string directory, CancellationToken token) =>
        MoorchehStore.OpenAsync(directory, new MoorchehOptions { Limits = { MaxItems = 0 } }, token);

    private static float[] RandomVector(Random random, int dimension)
    {
        float[] vector = new float[dimension];
        for (int i = 0; i < dimension; i++)
        {
            vector[i] = (random.NextSingle() * 2) - 1;
        }

        return vector;
    }

    /// <summary>Seconds of writing and flushing a block, ascending.</summary>
    private static double[] FlushSeconds(string directory)
    {
        using var file = new FileStream(
            Path.Combine(directory, "flush"), FileMode.Create, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        byte[] block = new byte[FlushBytes];
        double[] seconds = new double[Flushes];
        for (int i = 0; i < seconds.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            file.Write(block);
            file.Flush(flushToDisk: true);
            seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        Array.Sort(seconds);
        return seconds;
    }

    private static double At(double[] ascending, double share) => ascending[(int)(share * (ascending.Length - 1))];

    private static double Us(double[] ascending, double share) => Math.Round(At(ascending, share) * 1e6);

    private sealed class ScratchDirectory : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("moorcheh-durability-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
