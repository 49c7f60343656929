using Microsoft.ML.Tokenizers;

namespace Moorcheh.Embeddings.Text;

/// <summary>The package's byte-level BPE, as of RoBERTa and Qwen, with blanks folded.</summary>
internal sealed class BpeTextTokenizer(BpeTokenizer tokenizer, int vocabularySize, int? startId, int? endId) : ITokenizer
{
    public int? StartId => startId;

    public int? EndId => endId;

    public int PaddingId => 0;

    public int VocabularySize => vocabularySize;

    public int[] Encode(string text) => [.. tokenizer.EncodeToIds(Blanks.Fold(text))];
}
