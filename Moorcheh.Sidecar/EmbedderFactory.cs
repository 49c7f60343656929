using Microsoft.Extensions.AI;
using Moorcheh.Embeddings;

namespace Moorcheh.Sidecar;

/// <summary>Makes the embedder the settings ask for. The one place of the sidecar that knows the embeddings package.</summary>
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

    /// <summary>Loads the model of <c>onnx</c>. The caller disposes it.</summary>
    /// <exception cref="SettingsException">The directory holds no model that can be read.</exception>
    public static IEmbeddingGenerator<string, Embedding<float>> Create(SidecarOptions options)
    {
        try
        {
            return options.EmbeddingModelDirectory.Length == 0
                ? OnnxEmbeddingGenerator.CreateBuiltIn()
                : OnnxEmbeddingGenerator.Load(options.EmbeddingModelDirectory);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw new SettingsException($"The model in '{options.EmbeddingModelDirectory}' cannot be loaded: {e.Message}");
        }
    }
}
