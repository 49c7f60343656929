using System.Text;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts;
using Moorcheh.Diagnostics;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// A process that opens a store with work that ends it: it fails fast in the embedder, in a reader of documents, in the publisher or at a crash point.
/// Prints what became of all work once it lives on.
/// </summary>
internal sealed class DeadlyChild : IDisposable
{
    public const string Name = "deadly-host";

    private const string Poison = "poison";
    private const string Slow = "slow";

    /// <summary>Longer than it takes until poison works, so that what is slow is at work when the process ends.</summary>
    private static readonly TimeSpan SlowTime = TimeSpan.FromMilliseconds(700);

    private readonly ManualResetEventSlim _isSent = new();
    private readonly string _directory;
    private readonly string _work;

    private DeadlyChild(string directory, string work)
    {
        _directory = directory;
        _work = work;
    }

    private string TasksPath => _directory + ".tasks";

    public static async Task RunAsync(string[] settings)
    {
        using var child = new DeadlyChild(settings[0], settings[1]);
        await child.RunAsync();
    }

    public void Dispose() => _isSent.Dispose();

    private async Task RunAsync()
    {
        bool isFirst = !Directory.Exists(_directory);
        string? point = _work switch
        {
            "delete namespace" => CrashPoints.NamespaceDeleteStep,
            "delete artifact" => CrashPoints.JournalAppending, // What kills behind the entry that ends a task kills every opening, too.
            "index" => CrashPoints.IndexSegmentWritten,
            _ => null,
        };
        CrashPoints.Reached = reached =>
        {
            if (reached == point && (_work != "delete artifact" || Environment.StackTrace.Contains("TryRemoveAsync", StringComparison.Ordinal)))
            {
                Die();
            }
        };
        using var log = new RecordingLogger();
        using ILoggerFactory loggers = LoggerFactory.Create(builder => builder.AddProvider(log));
        using var test = new TestEmbedder();
        using var embedder = new DeadlyEmbedder(test, Die);
        MoorchehOptions options = TestStore.Options();
        options.Embedding.Generator = embedder;
        options.Artifacts.CallbackPublisher = new FakePublisher { OnPublish = (message, _) => Task.Run(() => DieIf(message.RoutingKey == Poison)) };
        options.Artifacts.Readers.Add(new DeadlyReader(Die));
        options.LoggerFactory = loggers;
        options.Storage.CheckpointInterval = TimeSpan.FromSeconds(1); // What is counted outlives a checkpoint.
        await using MoorchehStore store = await MoorchehStore.OpenAsync(_directory, options);
        if (isFirst)
        {
            await File.WriteAllLinesAsync(TasksPath, await SendAsync(store));
        }

        _isSent.Set();
        while (store.GetStatus() is not { RunningJobs: 0, WaitingCallbacks: 0 } || (_work == "index" && !log.Entries.Any(entry => entry.Message.Contains("not tidied any more", StringComparison.Ordinal))))
        {
            await Task.Delay(10);
        }

        foreach (string line in await DescribeAsync(store))
        {
            Console.WriteLine(line);
        }
    }

    private async Task<List<string>> DescribeAsync(MoorchehStore store)
    {
        List<string> lines = [];
        foreach (JobStatus job in store.Jobs.List())
        {
            lines.Add(job is UploadJobStatus upload
                ? $"upload {job.NamespaceName} {upload.Successful}/{upload.Total} {job.LastError}"
                : $"delete {job.NamespaceName} {job.State} {job.LastError}");
        }

        foreach (string id in await File.ReadAllLinesAsync(TasksPath))
        {
            ArtifactTaskStatus task = store.Artifacts.FindTask(id)!;
            lines.Add($"task {task.Artifact} {task.TaskState} {task.ErrorCode} {task.LastError}");
        }

        lines.AddRange((await store.Artifacts.ListAsync("docs")).Select(artifact => $"artifact {artifact.Artifact}"));
        return [.. lines.Select(line => line.TrimEnd()).Order(StringComparer.Ordinal)];
    }

    /// <summary>Sends the work that ends the process, and some that does not and is at work meanwhile.</summary>
    /// <returns>The tasks.</returns>
    private async Task<List<string>> SendAsync(MoorchehStore store)
    {
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
        await store.CreateNamespaceAsync("slow", NamespaceKind.Text);
        await store.CreateNamespaceAsync("texts", NamespaceKind.Text);
        List<string> tasks = [];
        switch (_work)
        {
            case "upload":
                await store.UploadDocumentsAsync("texts", [new("1", "harmless before")]);
                await store.UploadDocumentsAsync("texts", [new("2", Poison)]);
                await store.UploadDocumentsAsync("texts", [new("3", "harmless after")]);
                break;
            case "ingest":
                tasks.Add(await StartIngestAsync(store, "a", ArtifactInput.FromText(Poison)));
                tasks.Add(await StartIngestAsync(store, "b", ArtifactInput.FromText(Slow)));
                break;
            case "reader":
                tasks.Add(await StartIngestAsync(store, "a", ArtifactInput.FromFile(Encoding.UTF8.GetBytes("x"), "a.deadly")));
                break;
            case "delete namespace":
                await (await store.UploadVectorsAsync("emb", TestVectors.Items(1, 10, 4))).WaitAsync();
                await store.DeleteNamespaceAsync("emb");
                break;
            case "delete artifact":
                await store.Artifacts.IngestAsync(new ArtifactIngest("docs", "a", ArtifactInput.FromText("harmless")));
                tasks.Add((await store.Artifacts.StartDeleteAsync("docs", "a")).JobId);
                break;
            case "callback":
                tasks.Add(await StartIngestAsync(store, "a", ArtifactInput.FromText("harmless"), new ArtifactCallback("events") { RoutingKeyDone = Poison }));
                tasks.Add(await StartIngestAsync(store, "b", ArtifactInput.FromText("harmless"), new ArtifactCallback("events")));
                break;
            case "index":
                for (int batch = 0; batch < 7; batch++)
                {
                    await store.UploadVectorsAsync("emb", TestVectors.Items(batch, 10_000, 4, $"b{batch}-"));
                }

                break;
            default:
                throw new ArgumentException($"Unknown work '{_work}'.");
        }

        await store.UploadDocumentsAsync("slow", [new("1", Slow)]);
        return tasks;
    }

    private static async Task<string> StartIngestAsync(MoorchehStore store, string artifact, ArtifactInput input, ArtifactCallback? callback = null) =>
        (await store.Artifacts.StartIngestAsync(new ArtifactIngest("docs", artifact, input), callback)).JobId;

    private void DieIf(bool isDeadly)
    {
        if (isDeadly)
        {
            Die();
        }
    }

    private void Die()
    {
        _isSent.Wait();
        Environment.FailFast($"This {_work} ends the process.");
    }

    private sealed class DeadlyEmbedder(TestEmbedder test, Action die) : IEmbeddingGenerator<string, Embedding<float>>
    {
        public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
        {
            string[] texts = [.. values];
            if (texts.Any(text => text.Contains(Poison, StringComparison.Ordinal)))
            {
                await Task.Run(die, cancellationToken);
            }

            if (texts.Any(text => text.Contains(Slow, StringComparison.Ordinal)))
            {
                await Task.Delay(SlowTime, cancellationToken);
            }

            return await test.GenerateAsync(texts, options, cancellationToken);
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => test.GetService(serviceType, serviceKey);

        public void Dispose()
        {
        }
    }

    private sealed class DeadlyReader(Action die) : IDocumentReader
    {
        public IReadOnlyCollection<string> Suffixes { get; } = [".deadly"];

        public string Read(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            die();
            return string.Empty;
        }
    }
}
