using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Moorcheh.Embeddings.Onnx;
using Moorcheh.Embeddings.Text;

namespace Moorcheh.Embeddings;

/// <summary>A user's model on disk: model.onnx, vocab.txt and, if there, tokenizer_config.json.</summary>
internal static class ModelFolder
{
    private const string ModelFile = "model.onnx";
    private const string VocabularyFile = "vocab.txt";
    private const string ConfigurationFile = "tokenizer_config.json";

    public static (OnnxModel Model, ITokenizer Tokenizer) Load(string directory, OnnxEmbeddingOptions options)
    {
        if (!Directory.Exists(directory))
            throw new DirectoryNotFoundException($"The model folder '{directory}' does not exist.");
        string vocabulary = Existing(directory, VocabularyFile);
        string model = Existing(directory, ModelFile);

        bool lowerCase = options.LowerCase ?? ReadLowerCase(Path.Combine(directory, ConfigurationFile)) ?? true;
        var tokenizer = new WordPieceTokenizer(ReadPieces(vocabulary), lowerCase);
        OnnxModel loaded = OnnxModel.Load(session => new InferenceSession(model, session), $"The model '{model}'",
            tokenizer.VocabularySize - 1, options.MaxTokens ?? OnnxEmbeddingOptions.DefaultMaxTokens);
        return (loaded, tokenizer);
    }

    private static string Existing(string directory, string file)
    {
        string path = Path.Combine(directory, file);
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException($"The model folder '{directory}' has no file '{file}'; it needs {ModelFile} and {VocabularyFile}.", path);
    }

    /// <summary>Only line feeds end a piece: vocabularies may contain other characters that a reader takes for line ends.</summary>
    private static string[] ReadPieces(string path)
    {
        string[] lines = File.ReadAllText(path).Split('\n');
        if (lines[^1].Length == 0)
            lines = lines[..^1];
        return [.. lines.Select(line => line.TrimEnd('\r'))];
    }

    private static bool? ReadLowerCase(string path)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            using JsonDocument configuration = JsonDocument.Parse(File.ReadAllBytes(path));
            return configuration.RootElement.TryGetProperty("do_lower_case", out JsonElement value) ? value.GetBoolean() : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{path}' cannot be read: {exception.Message}", exception);
        }
    }
}
