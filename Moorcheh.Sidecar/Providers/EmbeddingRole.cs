using Microsoft.Extensions.AI;

namespace Moorcheh.Sidecar.Providers;

/// <summary>What the store says a text is embedded for.</summary>
internal static class EmbeddingRole
{
    private const string Query = "query";

    /// <summary>True for queries; texts that are stored, and calls that say nothing, are documents.</summary>
    public static bool IsQuery(EmbeddingGenerationOptions? options) =>
        options?.AdditionalProperties?.TryGetValue(EmbeddingOptions.InputTypeProperty, out object? role) == true && role is Query;
}
