using Microsoft.ML.Tokenizers;

namespace Moorcheh.Embeddings.Text;

/// <summary>The package's SentencePiece (*.model), with blanks folded.</summary>
/// <param name="tokenizer">The package's tokenizer.</param>
/// <param name="isXlmRoberta">The ids are those of XLM-RoBERTa: &lt;s&gt;, &lt;pad&gt;, &lt;/s&gt;, &lt;unk&gt;, then the pieces, one later than in the file.</param>
internal sealed class SentencePieceTextTokenizer(SentencePieceTokenizer tokenizer, bool isXlmRoberta) : ITokenizer
{
    private const int XlmRobertaStart = 0, XlmRobertaPadding = 1, XlmRobertaEnd = 2, XlmRobertaUnknown = 3;

    public int? StartId { get; } = isXlmRoberta ? XlmRobertaStart : tokenizer.AddBeginningOfSentence ? tokenizer.BeginningOfSentenceId : null;

    public int? EndId { get; } = isXlmRoberta ? XlmRobertaEnd : tokenizer.AddEndOfSentence ? tokenizer.EndOfSentenceId : null;

    public int PaddingId => isXlmRoberta ? XlmRobertaPadding : 0;

    public int VocabularySize { get; } = tokenizer.Vocabulary.Count + (isXlmRoberta ? 1 : 0);

    public int[] Encode(string text)
    {
        IReadOnlyList<int> ids = tokenizer.EncodeToIds(Blanks.Fold(text), addBeginningOfSentence: false, addEndOfSentence: false);
        return isXlmRoberta ? [.. ids.Select(id => id == tokenizer.UnknownId ? XlmRobertaUnknown : id + 1)] : [.. ids];
    }
}
