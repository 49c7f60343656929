using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Moorcheh.Artifacts;
using Moorcheh.Documents;
using Moorcheh.Embeddings;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Moorcheh.Benchmarks.Commands;

/// <summary>
/// <c>callbacks [--tasks N] [--rounds R] [--chunks C]</c>, with a broker of its own: how long after the end of a task its message reaches a consumer;
/// how long deletes of artifacts take with messages, beside the same without, in turn, also with the broker killed in the middle; how many messages
/// wait then and how long they take to be sent when it is back; and chunks a second of artifacts with the built-in model.
/// </summary>
internal static class CallbacksCommand
{
    private const string Exchange = "bench";
    private const string Queue = "bench";
    private const string Collection = "bench";

    public static Command Create()
    {
        var tasks = new Option<int>("--tasks") { Description = "Deletes of artifacts in each round.", DefaultValueFactory = _ => 200 };
        var rounds = new Option<int>("--rounds") { Description = "Rounds without, with, and with progress, in turn.", DefaultValueFactory = _ => 7 };
        var chunks = new Option<int>("--chunks") { Description = "Chunks of the artifacts ingested with the built-in model; 0 leaves that out.", DefaultValueFactory = _ => 2_000 };
        var command = new Command("callbacks", "Messages about tasks: latency, and what they cost.") { tasks, rounds, chunks };
        command.SetAction(async (parsed, token) =>
        {
            await MeasureAsync(parsed.GetValue(tasks), parsed.GetValue(rounds), token);
            if (parsed.GetValue(chunks) is > 0 and var count)
            {
                await MeasureIngestAsync(count, token);
            }

            return 0;
        });
        return command;
    }

    private static async Task MeasureAsync(int tasks, int rounds, CancellationToken token)
    {
        using var directory = new TemporaryDirectory();
        await using RabbitBroker broker = await RabbitBroker.StartAsync();
        await using var amqp = new RabbitMqPublisher(broker.Address);
        var publisher = new SwitchedPublisher(amqp);
        using OnnxEmbeddingGenerator embedder = OnnxEmbeddingGenerator.CreateBuiltIn();
        await using MoorchehStore store = await MoorchehStore.OpenAsync(
            directory.Path, new MoorchehOptions { Artifacts = { CallbackPublisher = publisher }, Embedding = { Generator = embedder }, Limits = { MaxItems = 0 } }, token);
        var run = new Run(store, tasks);
        var done = new ArtifactCallback(Exchange);
        ArtifactCallback progress = done with { RoutingKeyProgress = "progress" };
        await MeasureLatencyAsync(broker, run, done, token);

        List<double> without = [];
        List<double> with = [];
        List<double> withProgress = [];
        List<double> taken = [];
        for (int round = -1; round < rounds; round++)
        {
            // The order changes from round to round; the first round warms up.
            (List<double> Seconds, ArtifactCallback? Callback, bool IsTaken)[] kinds =
                [(without, null, false), (with, done, false), (withProgress, progress, false), (taken, done, true)];
            for (int i = 0; i < kinds.Length; i++)
            {
                (List<double> seconds, ArtifactCallback? callback, bool isTaken) = kinds[(i + round + 1) % kinds.Length];
                await run.SentAsync(token);
                publisher.TakesAll = isTaken;
                double took = await run.DeleteAsync(callback, _ => { }, token);
                if (round >= 0)
                {
                    seconds.Add(took);
                }
            }
        }

        publisher.TakesAll = false;
        Print("with messages that are taken at once, without a broker", tasks, taken, without);
        Print("with messages", tasks, with, without);
        Print("with progress", tasks, withProgress, without);
        await MeasureBrokerDownAsync(broker, run, done, rounds, token);
    }

    private static async Task MeasureLatencyAsync(RabbitBroker broker, Run run, ArtifactCallback callback, CancellationToken token)
    {
        var received = new ConcurrentDictionary<string, long>();
        await using IConnection connection = await new ConnectionFactory { Uri = new Uri(broker.Address) }.CreateConnectionAsync(token);
        await using IChannel channel = await connection.CreateChannelAsync(cancellationToken: token);
        await channel.ExchangeDeclareAsync(Exchange, ExchangeType.Topic, durable: true, cancellationToken: token);
        await channel.QueueDeclareAsync(Queue, durable: true, exclusive: false, autoDelete: false, cancellationToken: token);
        await channel.QueueBindAsync(Queue, Exchange, "#", cancellationToken: token);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            received[delivery.BasicProperties.MessageId![..36]] = Stopwatch.GetTimestamp();
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(Queue, autoAck: true, consumer, token);

        var ended = new Dictionary<string, long>();
        await run.DeleteAsync(callback, _ => { }, token); // Warms up.
        await run.DeleteAsync(callback, task => ended[task] = Stopwatch.GetTimestamp(), token);
        while (ended.Keys.Any(task => !received.ContainsKey(task)))
        {
            await Task.Delay(5, token);
        }

        // Whoever waits for the task hears of its end at about the time the message is made: that may be later than the consumer.
        double[] ms = [.. ended.Select(task => Math.Max(0, Stopwatch.GetElapsedTime(task.Value, received[task.Key]).TotalMilliseconds)).Order()];
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            command = "callbacks",
            measure = "from the end of a task to its consumer",
            messages = ms.Length,
            p50Ms = Math.Round(ms[ms.Length / 2], 2),
            p99Ms = Math.Round(ms[(int)(ms.Length * 0.99)], 2),
        }));
    }

    private static async Task MeasureBrokerDownAsync(
        RabbitBroker broker, Run run, ArtifactCallback callback, int rounds, CancellationToken token)
    {
        List<double> without = [];
        List<double> seconds = [];
        List<double> drains = [];
        long most = 0;
        for (int round = 0; round < rounds; round++)
        {
            without.Add(await run.DeleteAsync(null, _ => { }, token));
            int left = run.Tasks / 2;
            Task killed = Task.CompletedTask;
            seconds.Add(await run.DeleteAsync(
                callback,
                _ =>
                {
                    if (--left == 0)
                    {
                        killed = Task.Run(broker.KillAsync);
                    }
                },
                token));
            await killed;
            most = Math.Max(most, run.Store.GetStatus().WaitingCallbacks);
            await broker.StartAgainAsync();
            long start = Stopwatch.GetTimestamp();
            await run.SentAsync(token);
            drains.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        Print("broker killed in the middle", run.Tasks, seconds, without);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            command = "callbacks",
            measure = "outbox with the broker down",
            mostWaiting = most,
            waitingAtTheEnd = run.Store.GetStatus().WaitingCallbacks,
            drainSecondsAfterStart = drains.Select(drain => Math.Round(drain, 2)),
        }));
    }

    private static async Task MeasureIngestAsync(int chunks, CancellationToken token)
    {
        const int Artifacts = 4;
        using var directory = new TemporaryDirectory();
        using OnnxEmbeddingGenerator embedder = OnnxEmbeddingGenerator.CreateBuiltIn();
        await using MoorchehStore store = await MoorchehStore.OpenAsync(
            directory.Path, new MoorchehOptions { Embedding = { Generator = embedder, CountTokens = embedder.CountTokens }, Artifacts = { ChunkTokens = 128 }, Limits = { MaxItems = 0 } }, token);
        var random = new Random(3);
        string[] words = "the river house old market quiet winter train garden letter morning city small window music bread road doctor paper".Split(' ');
        string Text() => string.Concat(Enumerable.Range(0, chunks / Artifacts).Select(_ => string.Join(' ', Enumerable.Range(0, 110).Select(_ => words[random.Next(words.Length)])) + ".\n\n"));
        await store.Artifacts.IngestAsync(new ArtifactIngest(Collection, "warm-up", ArtifactInput.FromText("one chunk")), token);
        string[] texts = [.. Enumerable.Range(0, Artifacts).Select(_ => Text())];
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(texts.Select((text, i) => store.Artifacts.IngestAsync(new ArtifactIngest(Collection, $"{i}", ArtifactInput.FromText(text)), token)));
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        long stored = store.GetStatus().Items - 1;
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            command = "callbacks",
            measure = "artifact ingest, built-in model",
            artifacts = Artifacts,
            chunks = stored,
            tokensAtMost = 128,
            chunksPerSecond = Math.Round(stored / seconds),
        }));
    }

    private static void Print(string measure, int tasks, IReadOnlyList<double> seconds, IReadOnlyList<double> without)
    {
        double[] ratios = [.. seconds.Zip(without, (x, y) => x / y).Order()];
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            command = "callbacks",
            measure,
            tasks,
            rounds = seconds.Count,
            msPerTask = Math.Round(seconds.Order().ElementAt(seconds.Count / 2) * 1000 / tasks, 3),
            msPerTaskWithout = Math.Round(without.Order().ElementAt(without.Count / 2) * 1000 / tasks, 3),
            ratio = Math.Round(ratios[ratios.Length / 2], 3),
            leastRatio = Math.Round(ratios[0], 3),
            mostRatio = Math.Round(ratios[^1], 3),
        }));
    }

    /// <summary>Publishes, or takes messages itself at once.</summary>
    private sealed class SwitchedPublisher(ICallbackPublisher inner) : ICallbackPublisher
    {
        public bool TakesAll { get; set; }

        public Task PublishAsync(CallbackMessage message, CancellationToken cancellationToken) =>
            TakesAll ? Task.CompletedTask : inner.PublishAsync(message, cancellationToken);
    }

    /// <summary>Deletes of artifacts one after the other, each waited for.</summary>
    private sealed class Run(MoorchehStore store, int tasks)
    {
        public MoorchehStore Store => store;

        public int Tasks => tasks;

        /// <summary>Waits until no message waits.</summary>
        public async Task SentAsync(CancellationToken token)
        {
            while (store.GetStatus().WaitingCallbacks > 0)
            {
                await Task.Delay(5, token);
            }
        }

        /// <summary>Ingests artifacts, then deletes them.</summary>
        /// <returns>Seconds of the deletes.</returns>
        public async Task<double> DeleteAsync(ArtifactCallback? callback, Action<string> ended, CancellationToken token)
        {
            for (int i = 0; i < tasks; i++)
            {
                await store.Artifacts.IngestAsync(new ArtifactIngest(Collection, $"{i}", ArtifactInput.FromText($"number {i}")), token);
            }

            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < tasks; i++)
            {
                ArtifactTaskStatus task = await store.Artifacts.StartDeleteAsync(Collection, $"{i}", callback, token);
                await store.Artifacts.WaitAsync(task.Id, token);
                ended(task.Id);
            }

            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }
}
