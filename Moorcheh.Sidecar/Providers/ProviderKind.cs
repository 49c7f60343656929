namespace Moorcheh.Sidecar.Providers;

/// <summary>A service that embeds texts, as it is when nothing but its name is set.</summary>
/// <param name="Name">The value of <c>EmbeddingProvider</c>.</param>
/// <param name="BaseUrl">Where the service is.</param>
/// <param name="Model">The model that is asked for there.</param>
/// <param name="NeedsKey">True when it answers nobody without a key. Servers elsewhere that speak the same API may need none.</param>
internal sealed record ProviderKind(string Name, string BaseUrl, string Model, bool NeedsKey)
{
    public static readonly ProviderKind Ollama = new("ollama", "http://localhost:11434", "nomic-embed-text", NeedsKey: false);
    public static readonly ProviderKind OpenAI = new("openai", "https://api.openai.com/v1", "text-embedding-3-small", NeedsKey: true);
    public static readonly ProviderKind Cohere = new("cohere", "https://api.cohere.com", "embed-v4.0", NeedsKey: true);

    public static readonly IReadOnlyList<ProviderKind> All = [Ollama, OpenAI, Cohere];

    /// <summary>The kind of a name; null when there is none.</summary>
    public static ProviderKind? Find(string name) => All.FirstOrDefault(kind => kind.Name == name);
}
