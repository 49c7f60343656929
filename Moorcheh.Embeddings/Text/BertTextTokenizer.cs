using System.Text;
using Microsoft.ML.Tokenizers;

namespace Moorcheh.Embeddings.Text;

/// <summary>
/// BERT's tokens: the pieces of words by the package's <see cref="BertTokenizer"/>, the words by <see cref="WordSplitter"/>. The package's own
/// splitting is not used: it drops symbols ("C++" becomes "c"), and it removes accents only where the host has ICU.
/// </summary>
internal sealed class BertTextTokenizer : ITokenizer
{
    // Longer words are unknown. The splitter hands on one more, which tells so.
    private const int MaxWordRunes = 100;

    private readonly BertTokenizer _tokenizer;
    private readonly bool _lowerCase;

    private BertTextTokenizer(BertTokenizer tokenizer, int vocabularySize, bool lowerCase)
    {
        _tokenizer = tokenizer;
        _lowerCase = lowerCase;
        VocabularySize = vocabularySize;
    }

    public int? StartId => _tokenizer.ClassificationTokenId;

    public int? EndId => _tokenizer.SeparatorTokenId;

    public int PaddingId => _tokenizer.PaddingTokenId;

    public int VocabularySize { get; }

    /// <param name="pieces">The vocabulary in the order of its ids.</param>
    /// <param name="lowerCase">Whether the model knows lower-cased text without accents.</param>
    /// <param name="names">What the special tokens are called.</param>
    /// <exception cref="InvalidDataException">The vocabulary has no such tokens.</exception>
    public static BertTextTokenizer Create(IReadOnlyList<string> pieces, bool lowerCase, SpecialTokens names)
    {
        var known = pieces.ToHashSet(StringComparer.Ordinal);
        foreach (string name in (string[])[names.Unknown, names.Start, names.End])
        {
            if (!known.Contains(name))
            {
                throw new InvalidDataException(
                    $"The vocabulary of {pieces.Count} pieces has no '{name}'; it needs {names.Unknown}, {names.Start} and {names.End}.");
            }
        }

        // Padding is masked, and nothing here masks words: where the vocabulary has no token for them, any other does.
        var options = new BertOptions
        {
            ApplyBasicTokenization = false,
            LowerCaseBeforeTokenization = false,
            SplitOnSpecialTokens = false,
            UnknownToken = names.Unknown,
            ClassificationToken = names.Start,
            SeparatorToken = names.End,
            PaddingToken = known.Contains(names.Padding) ? names.Padding : names.Unknown,
            MaskingToken = known.Contains(names.Mask) ? names.Mask : names.Unknown,
        };
        using var lines = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', pieces)));
        return new BertTextTokenizer(BertTokenizer.Create(lines, options), pieces.Count, lowerCase);
    }

    public int[] Encode(string text)
    {
        var splitter = new WordSplitter(text, _lowerCase);
        var word = new StringBuilder();
        var words = new StringBuilder(text.Length + 16);
        while (splitter.TryRead(word, MaxWordRunes))
            words.Append(word).Append(' ');
        return [.. _tokenizer.EncodeToIds(words.ToString(), addSpecialTokens: false)];
    }
}
