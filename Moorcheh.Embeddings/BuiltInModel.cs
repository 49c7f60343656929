using Microsoft.ML.OnnxRuntime;
using Moorcheh.Embeddings.Onnx;
using Moorcheh.Embeddings.Text;

namespace Moorcheh.Embeddings;

/// <summary>The model inside the assembly. docs/builtin-model.md says where it comes from.</summary>
internal static class BuiltInModel
{
    public const string Id = "use-lite";
    public const int MaxTokens = 128;

    public static (OnnxModel Model, ITokenizer Tokenizer) Load()
    {
        using var reader = new StreamReader(Open("use-lite.vocab.txt"));
        UnigramTokenizer tokenizer = UnigramTokenizer.Read(reader);

        using Stream stream = Open("use-lite.onnx");
        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        OnnxModel model = OnnxModel.Load(session => new InferenceSession(content, session), "The built-in model",
            tokenizer.VocabularySize - 1, MaxTokens);
        return (model, tokenizer);
    }

    private static Stream Open(string name) =>
        typeof(BuiltInModel).Assembly.GetManifestResourceStream($"Moorcheh.Embeddings.{name}")
        ?? throw new InvalidOperationException($"The assembly has no resource '{name}'.");
}
