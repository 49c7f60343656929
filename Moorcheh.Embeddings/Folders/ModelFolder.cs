using Microsoft.ML.OnnxRuntime;
using Moorcheh.Embeddings.Onnx;
using Moorcheh.Embeddings.Text;

namespace Moorcheh.Embeddings.Folders;

/// <summary>A model on disk, in the layout in which sentence-transformers publishes.</summary>
internal static class ModelFolder
{
    private static readonly string[] ModelFiles = ["model.onnx", "onnx/model.onnx"];

    public static LoadedModel Load(string directory, OnnxEmbeddingOptions options)
    {
        if (!Directory.Exists(directory))
            throw new DirectoryNotFoundException($"The model folder '{directory}' does not exist.");
        string model = ModelFiles.Select(file => Path.Combine(directory, file)).FirstOrDefault(File.Exists)
            ?? throw Missing(directory, string.Join("' or '", ModelFiles));
        ModelSettings settings = FolderSettings.Read(directory, options);
        (ITokenizer tokenizer, string file) = FolderTokenizer.Load(directory, settings.LowerCase);

        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)));
        string data = model + "_data";   // where a model of more than 2 GiB has its weights
        string id = ModelIdentity.Of(name, settings, options.Dimensions, File.Exists(data) ? [model, data, file] : [model, file]);
        OnnxModel loaded = OnnxModel.Load(
            session => new InferenceSession(model, session), $"The model '{model}'", tokenizer.VocabularySize - 1, settings.MaxTokens, settings.Pooling);
        return new LoadedModel(loaded, tokenizer, settings, id);
    }

    public static FileNotFoundException Missing(string directory, string file)
    {
        string found = string.Join(", ", Directory.EnumerateFileSystemEntries(directory).Select(Path.GetFileName).Order(StringComparer.Ordinal).Take(20));
        return new FileNotFoundException(
            $"The model folder '{directory}' has no file '{file}'; it needs model.onnx, and vocab.txt, *.model or tokenizer.json. It has: "
            + (found.Length == 0 ? "nothing." : found + "."), Path.Combine(directory, file));
    }
}
