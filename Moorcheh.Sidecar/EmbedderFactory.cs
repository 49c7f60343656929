using Microsoft.Extensions.AI;
using Moorcheh.Embeddings;
using Moorcheh.Sidecar.Providers;

namespace Moorcheh.Sidecar;

/// <summary>Makes the embedder the settings ask for. The one place of the sidecar that knows the embeddings package.</summary>
internal static class EmbedderFactory
{
    public const string Onnx = "onnx";
    public const string None = "none";

    /// <summary>Checks the settings without loading anything.</summary>
    /// <exception cref="SettingsException">The provider is unknown, its settings cannot be, or the model directory does not exist.</exception>
    public static void Check(SidecarOptions options, StoreSettings store)
    {
        if (ProviderKind.Find(options.EmbeddingProvider) is { } kind)
        {
            _ = ProviderSettings.Read(kind, options, store);
            return;
        }

        if (options.EmbeddingProvider is not (Onnx or None))
        {
            IEnumerable<string> names = [Onnx, .. ProviderKind.All.Select(provider => provider.Name)];
            throw new SettingsException(
                $"Option 'EmbeddingProvider' is '{options.EmbeddingProvider}'; it must be '{string.Join("', '", names)}' or '{None}'.");
        }

        if (options.EmbeddingDimensions != 0 && options.EmbeddingProvider == None)
        {
            throw new SettingsException(
                $"Option 'EmbeddingDimensions' is {options.EmbeddingDimensions}; with provider '{options.EmbeddingProvider}' it must be 0.");
        }

        if (options.EmbeddingModelDirectory.Length > 0 && !Directory.Exists(options.EmbeddingModelDirectory))
        {
            throw new SettingsException($"Option 'EmbeddingModelDirectory' is '{options.EmbeddingModelDirectory}'; there is no such directory.");
        }
    }

    /// <summary>True when embedding is a request to a provider, which is tried again there.</summary>
    public static bool IsRemote(SidecarOptions options) => ProviderKind.Find(options.EmbeddingProvider) is not null;

    /// <summary>Loads the model of <c>onnx</c>, or makes the client of a provider without asking it. The caller disposes it.</summary>
    /// <exception cref="SettingsException">The directory holds no model that can be read.</exception>
    public static IEmbeddingGenerator<string, Embedding<float>> Create(SidecarOptions options, StoreSettings store, ILogger logger)
    {
        if (ProviderKind.Find(options.EmbeddingProvider) is { } kind)
        {
            ProviderSettings settings = ProviderSettings.Read(kind, options, store);
            if (settings.SendsKeyInClear)
            {
                logger.KeyInClear(settings.BaseUrl.Authority);
            }

            return new ProviderEmbeddingGenerator(settings, TimeProvider.System, logger);
        }

        IEmbeddingGenerator<string, Embedding<float>> onnx = CreateOnnx(options);
        string? model = (onnx.GetService(typeof(EmbeddingGeneratorMetadata)) as EmbeddingGeneratorMetadata)?.DefaultModelId;
        if (options.EmbeddingModel.Length > 0 && options.EmbeddingModel != model)
        {
            onnx.Dispose();
            throw new SettingsException(
                $"Option 'EmbeddingModel' is '{options.EmbeddingModel}', but provider '{Onnx}' has '{model}'; "
                + "set 'EmbeddingModelDirectory' to the folder of another model, or 'EmbeddingProvider' to who has it.");
        }

        return onnx;
    }

    private static OnnxEmbeddingGenerator CreateOnnx(SidecarOptions options)
    {
        try
        {
            var onnx = new OnnxEmbeddingOptions
            {
                QueryPrefix = PrefixOf(options.EmbeddingQueryPrefix),
                DocumentPrefix = PrefixOf(options.EmbeddingDocumentPrefix),
                Dimensions = options.EmbeddingDimensions == 0 ? null : options.EmbeddingDimensions,
            };
            return options.EmbeddingModelDirectory.Length == 0
                ? OnnxEmbeddingGenerator.CreateBuiltIn(onnx)
                : OnnxEmbeddingGenerator.Load(options.EmbeddingModelDirectory, onnx);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or ArgumentException)
        {
            string where = options.EmbeddingModelDirectory.Length == 0 ? "that is built in" : $"in '{options.EmbeddingModelDirectory}'";
            throw new SettingsException($"The model {where} cannot be loaded: {e.Message}");
        }
    }

    /// <summary>A model knows its own prefixes (<c>auto</c>); what is set takes their place.</summary>
    private static string? PrefixOf(string setting) => setting switch { RolePrefixes.Auto => null, RolePrefixes.None => "", _ => setting };
}
