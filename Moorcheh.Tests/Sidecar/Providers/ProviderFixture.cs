using Microsoft.Extensions.AI;
using Moorcheh.Sidecar;
using Moorcheh.Sidecar.Providers;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Sidecar.Providers;

/// <summary>A provider of our own on loopback, and generators that ask it.</summary>
internal abstract class ProviderFixture
{
    protected const string Key = "sk-Zebra0123456789QUAGGA";

    protected static readonly string[] Names = ["ollama", "openai", "cohere"];

    private readonly List<IDisposable> _disposables = [];

    protected FakeProvider Server { get; private set; } = null!;

    protected ManualTimeProvider Clock { get; private set; } = null!;

    protected RecordingLogger Log { get; private set; } = null!;

    protected static CancellationToken Token => TestContext.CurrentContext.CancellationToken;

    [SetUp]
    public async Task StartServerAsync()
    {
        Server = await FakeProvider.StartAsync();
        Clock = new ManualTimeProvider();
        Log = new RecordingLogger();
    }

    [TearDown]
    public async Task StopServerAsync()
    {
        foreach (IDisposable disposable in _disposables)
        {
            disposable.Dispose();
        }

        _disposables.Clear();
        Log.Dispose();
        await Server.DisposeAsync();
    }

    /// <summary>The settings that lead to the server, as on the command line.</summary>
    protected string[] Arguments(string provider, params string[] more) =>
    [
        "--embedding-provider", provider, "--embedding-model", "m", "--embedding-base-url", BaseUrl(provider), "--embedding-api-key", Key, .. more,
    ];

    protected string BaseUrl(string provider) => provider == "openai" ? $"{Server.Url}/v1" : Server.Url;

    /// <summary>A generator over the manual clock, whose requests may take an hour of it.</summary>
    protected ProviderEmbeddingGenerator Generator(string provider, Action<SidecarOptions>? configure = null, int attempts = 3, int seconds = 3600)
    {
        var options = new SidecarOptions
        {
            EmbeddingModel = "m",
            EmbeddingBaseUrl = BaseUrl(provider),
            EmbeddingApiKey = Key,
            EmbeddingRequestSeconds = seconds,
        };
        configure?.Invoke(options);
        var settings = ProviderSettings.Read(ProviderKind.Find(provider)!, options, new StoreSettings { EmbedAttempts = attempts, EmbedSeconds = 3600 });
        var generator = new ProviderEmbeddingGenerator(settings, Clock, Log);
        _disposables.Add(generator);
        return generator;
    }

    protected static EmbeddingGenerationOptions Role(string role) =>
        new() { AdditionalProperties = new AdditionalPropertiesDictionary { [EmbeddingOptions.InputTypeProperty] = role } };

    protected static Task<GeneratedEmbeddings<Embedding<float>>> DocumentsAsync(ProviderEmbeddingGenerator generator, params string[] texts) =>
        generator.GenerateAsync(texts, Role("document"), Token);

    protected static Task<GeneratedEmbeddings<Embedding<float>>> QueryAsync(ProviderEmbeddingGenerator generator, string text) =>
        generator.GenerateAsync([text], Role("query"), Token);

    protected static float[][] Values(GeneratedEmbeddings<Embedding<float>> embeddings) => [.. embeddings.Select(one => one.Vector.ToArray())];
}
