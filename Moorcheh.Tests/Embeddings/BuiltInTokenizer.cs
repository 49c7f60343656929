using Moorcheh.Embeddings;
using Moorcheh.Embeddings.Text;

namespace Moorcheh.Tests.Embeddings;

/// <summary>The tokenizer of the built-in model alone.</summary>
internal static class BuiltInTokenizer
{
    public static BertTextTokenizer Load()
    {
        using Stream vocabulary = typeof(OnnxEmbeddingGenerator).Assembly.GetManifestResourceStream("Moorcheh.Embeddings.arctic-embed-xs.vocab.txt")!;
        return BertTextTokenizer.Create(Vocabulary.Read(vocabulary), lowerCase: true, SpecialTokens.Bert);
    }
}
