namespace Moorcheh.Sidecar;

/// <summary>Settings that only the sidecar process has; a host of its own decides these things itself.</summary>
internal sealed class SidecarOptions
{
    public const string DefaultServerHost = "127.0.0.1";
    public const int DefaultServerPort = 8080;
    public const int DefaultMaxConnections = 1000;
    public const int GreatestMaxConnections = 100_000;
    public const int DefaultEmbeddingRequestSeconds = 60;

    /// <summary>Address to listen on: an IP address, or <c>localhost</c>.</summary>
    public string ServerHost { get; set; } = DefaultServerHost;

    /// <summary>Port to listen on, 0 to 65535; 0 takes a free one.</summary>
    public int ServerPort { get; set; } = DefaultServerPort;

    /// <summary>Most connections at once, 1 to <see cref="GreatestMaxConnections"/>; one more is closed at once.</summary>
    public int MaxConnections { get; set; } = DefaultMaxConnections;

    /// <summary>Allows listening beyond loopback without an API key.</summary>
    public bool AllowAnonymous { get; set; }

    /// <summary>Origins of web pages that may call the server; empty turns CORS off, <c>*</c> allows all.</summary>
    public IList<string> AllowedOrigins { get; set; } = [];

    /// <summary>
    /// Hosts that requests may name besides those of loopback: a host without its port, <c>*.suffix</c>, or <c>*</c> for all. Only asked
    /// for without API keys.
    /// </summary>
    public IList<string> AllowedHosts { get; set; } = [];

    /// <summary>Serves the artifacts API below <c>/v1/artifacts</c>.</summary>
    public bool Artifacts { get; set; } = true;

    /// <summary>What embeds texts: <c>onnx</c> (a local model), <c>ollama</c>, <c>openai</c>, <c>cohere</c> or <c>none</c>.</summary>
    public string EmbeddingProvider { get; set; } = EmbedderFactory.Onnx;

    /// <summary>Directory of the model of <c>onnx</c>; empty takes the built-in one.</summary>
    public string EmbeddingModelDirectory { get; set; } = "";

    /// <summary>The provider's name of the model; empty takes its default one.</summary>
    public string EmbeddingModel { get; set; } = "";

    /// <summary>Where the provider is; empty takes its public address, that of Ollama on this machine.</summary>
    public string EmbeddingBaseUrl { get; set; } = "";

    /// <summary>Sent to the provider as <c>Authorization: Bearer</c>; empty sends none. It is in no log, no error and no answer.</summary>
    public string EmbeddingApiKey { get; set; } = "";

    /// <summary>Values of a vector, asked from the provider; 0 takes what the model gives.</summary>
    public int EmbeddingDimensions { get; set; }

    /// <summary>Before each query: a text, <c>auto</c> for what the model is known to want, or <c>none</c>.</summary>
    public string EmbeddingQueryPrefix { get; set; } = Providers.RolePrefixes.Auto;

    /// <summary>Before each text that is stored, as <see cref="EmbeddingQueryPrefix"/>.</summary>
    public string EmbeddingDocumentPrefix { get; set; } = Providers.RolePrefixes.Auto;

    /// <summary>How long a request to the provider may take, in seconds, 1 to <see cref="StoreSettings.EmbedSeconds"/>.</summary>
    public int EmbeddingRequestSeconds { get; set; } = DefaultEmbeddingRequestSeconds;
}
