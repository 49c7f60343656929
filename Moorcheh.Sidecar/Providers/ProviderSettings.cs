namespace Moorcheh.Sidecar.Providers;

/// <summary>
/// What the settings say about a provider, checked. A class and no record, since a record would write the key into its text.
/// </summary>
internal sealed class ProviderSettings
{
    public const int GreatestDimensions = 16_384;

    public const int GreatestRequestSeconds = 3600;

    private const int MaxModelCharacters = 256;

    public required ProviderKind Kind { get; init; }

    public required string Model { get; init; }

    /// <summary>Ends with a slash, so that relative addresses come behind it.</summary>
    public required Uri BaseUrl { get; init; }

    /// <summary>Empty: none is sent.</summary>
    public required string Key { get; init; }

    /// <summary>Values of a vector that are asked for; null: what the model gives.</summary>
    public required int? Dimensions { get; init; }

    public required RolePrefixes Prefixes { get; init; }

    /// <summary>Requests of a call, the first one included.</summary>
    public required int Attempts { get; init; }

    /// <summary>How long one request may take.</summary>
    public required TimeSpan RequestTimeout { get; init; }

    /// <summary>True when the key would travel over a network that anybody may read.</summary>
    public bool SendsKeyInClear => Key.Length > 0 && BaseUrl.Scheme == Uri.UriSchemeHttp && !BaseUrl.IsLoopback;

    /// <summary>Reads the settings of a provider.</summary>
    /// <exception cref="SettingsException">One of them cannot be.</exception>
    public static ProviderSettings Read(ProviderKind kind, SidecarOptions options, StoreSettings store)
    {
        Uri baseUrl = ProviderUrl.Parse(options.EmbeddingBaseUrl.Length == 0 ? kind.BaseUrl : options.EmbeddingBaseUrl.Trim());
        bool isElsewhere = baseUrl != ProviderUrl.Parse(kind.BaseUrl);
        int mostSeconds = Math.Min(GreatestRequestSeconds, store.EmbedSeconds);
        if (options.EmbeddingRequestSeconds < 1 || options.EmbeddingRequestSeconds > mostSeconds)
        {
            throw new SettingsException(
                $"Option 'EmbeddingRequestSeconds' is {options.EmbeddingRequestSeconds}; it must be from 1 to {mostSeconds}"
                + $" ('EmbedSeconds' is {store.EmbedSeconds}).");
        }

        if (options.EmbeddingDimensions is < 0 or > GreatestDimensions)
        {
            throw new SettingsException(
                $"Option 'EmbeddingDimensions' is {options.EmbeddingDimensions}; it must be from 1 to {GreatestDimensions}, "
                + "or 0 for those of the model.");
        }

        string model = ReadModel(kind, options.EmbeddingModel, isElsewhere, baseUrl);
        return new ProviderSettings
        {
            Kind = kind,
            Model = model,
            BaseUrl = baseUrl,
            Key = ReadKey(kind, options.EmbeddingApiKey, isElsewhere),
            Dimensions = options.EmbeddingDimensions == 0 ? null : options.EmbeddingDimensions,
            Prefixes = RolePrefixes.Read(options.EmbeddingQueryPrefix, options.EmbeddingDocumentPrefix, model),
            Attempts = store.EmbedAttempts,
            RequestTimeout = TimeSpan.FromSeconds(options.EmbeddingRequestSeconds),
        };
    }

    private static string ReadModel(ProviderKind kind, string setting, bool isElsewhere, Uri baseUrl)
    {
        string model = setting.Trim();
        if (model.Length == 0)
        {
            // What others that speak the API of OpenAI serve has names of its own.
            return kind == ProviderKind.OpenAI && isElsewhere
                ? throw new SettingsException($"Option 'EmbeddingModel' is empty; it must name a model of the server at '{baseUrl}'.")
                : kind.Model;
        }

        return model.Length <= MaxModelCharacters && !model.Any(char.IsControl)
            ? model
            : throw new SettingsException(
                $"Option 'EmbeddingModel' has {model.Length} characters; it must have at most {MaxModelCharacters}, "
                + "and no control characters.");
    }

    private static string ReadKey(ProviderKind kind, string setting, bool isElsewhere)
    {
        string key = setting.Trim(); // Keys from files end with a line end.
        if (key.Length == 0 && kind.NeedsKey && !isElsewhere)
        {
            throw new SettingsException(
                $"Option 'EmbeddingApiKey' is empty; provider '{kind.Name}' at '{kind.BaseUrl}' needs a key "
                + "(environment variable EMBEDDING_API_KEY).");
        }

        // What else could not be in a header; the exception of the HTTP client would have the key in its text.
        return key.All(c => c is > ' ' and <= '~')
            ? key
            : throw new SettingsException(
                "Option 'EmbeddingApiKey' has a blank or a character that is not ASCII inside; it must have none.");
    }
}
