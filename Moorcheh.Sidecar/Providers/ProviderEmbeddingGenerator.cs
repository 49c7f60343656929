using Microsoft.Extensions.AI;

namespace Moorcheh.Sidecar.Providers;

/// <summary>
/// Embeds by a provider: with the prefix of the text's role, and with failures whose text may be shown. It is known by provider, model and
/// dimensions; the address and the key may change without what is stored becoming another's. Safe for use from several threads.
/// </summary>
internal sealed class ProviderEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly ProviderSettings _settings;
    private readonly ProviderErrors _errors;
    private readonly ProviderClient _client;
    private readonly EmbeddingGeneratorMetadata _metadata;

    public ProviderEmbeddingGenerator(ProviderSettings settings, TimeProvider clock, ILogger logger)
    {
        _settings = settings;
        _errors = new ProviderErrors(settings);
        _client = new ProviderClient(settings, _errors, clock, logger);
        _metadata = new EmbeddingGeneratorMetadata(settings.Kind.Name, null, settings.Model, settings.Dimensions);
    }

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        bool isQuery = EmbeddingRole.IsQuery(options);
        string prefix = isQuery ? _settings.Prefixes.Query : _settings.Prefixes.Document;
        IEnumerable<string> texts = prefix.Length == 0 ? values : values.Select(text => prefix + text);
        var inner = new EmbeddingGenerationOptions
        {
            Dimensions = _settings.Dimensions,
            AdditionalProperties = options?.AdditionalProperties,
        };
        try
        {
            return await (isQuery ? _client.Queries : _client.Documents).GenerateAsync(texts, inner, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            throw _errors.Of(e);
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata
        : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose() => _client.Dispose();
}
