using System.Text;

namespace Moorcheh.Embeddings.Text;

/// <summary>BERT's tokenizer: words as <see cref="WordSplitter"/> gives them, each cut greedily into the longest pieces of the vocabulary.</summary>
internal sealed class WordPieceTokenizer : ITokenizer
{
    private const string ContinuationPrefix = "##";
    private const int MaxWordRunes = 100;   // BERT's limit: a longer word is unknown

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _wordStarts;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _continuations;
    private readonly bool _lowerCase;
    private readonly int _unknownId;
    private readonly int _longest;

    /// <param name="pieces">The lines of vocab.txt: a piece's id is its line, counted from 0.</param>
    /// <param name="lowerCase">Whether the model was trained on lower-cased text without accents.</param>
    public WordPieceTokenizer(IReadOnlyList<string> pieces, bool lowerCase)
    {
        var wordStarts = new Dictionary<string, int>();
        var continuations = new Dictionary<string, int>();
        for (int id = 0; id < pieces.Count; id++)
        {
            string piece = pieces[id];
            bool continues = piece.StartsWith(ContinuationPrefix, StringComparison.Ordinal) && piece.Length > ContinuationPrefix.Length;
            if (continues)
                continuations[piece[ContinuationPrefix.Length..]] = id;
            else
                wordStarts[piece] = id;
            _longest = Math.Max(_longest, piece.Length);
        }
        _wordStarts = wordStarts.GetAlternateLookup<ReadOnlySpan<char>>();
        _continuations = continuations.GetAlternateLookup<ReadOnlySpan<char>>();
        _lowerCase = lowerCase;
        VocabularySize = pieces.Count;
        _unknownId = Special(wordStarts, "[UNK]");
        StartId = Special(wordStarts, "[CLS]");
        EndId = Special(wordStarts, "[SEP]");
        PaddingId = wordStarts.GetValueOrDefault("[PAD]");
    }

    public int? StartId { get; }

    public int? EndId { get; }

    public int PaddingId { get; }

    public int VocabularySize { get; }

    public int[] Encode(string text)
    {
        var tokens = new List<int>(text.Length / 4);
        var splitter = new WordSplitter(text, _lowerCase);
        var word = new StringBuilder();
        Span<char> buffer = stackalloc char[2 * (MaxWordRunes + 1)];
        while (splitter.TryRead(word, MaxWordRunes))
        {
            word.CopyTo(0, buffer, word.Length);
            AddPieces(buffer[..word.Length], tokens);
        }
        return [.. tokens];
    }

    private void AddPieces(ReadOnlySpan<char> word, List<int> tokens)
    {
        int first = tokens.Count;
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> pieces = _wordStarts;
        bool known = word.Length <= MaxWordRunes || CountRunes(word) <= MaxWordRunes;
        while (known && !word.IsEmpty)
        {
            int length = Math.Min(word.Length, _longest);
            int id = 0;
            while (length > 0 && !pieces.TryGetValue(word[..length], out id))
                length--;
            known = length > 0;
            tokens.Add(id);
            word = word[length..];
            pieces = _continuations;
        }
        if (known)
            return;

        // One part that is in no vocabulary makes the whole word unknown.
        tokens.RemoveRange(first, tokens.Count - first);
        tokens.Add(_unknownId);
    }

    private static int CountRunes(ReadOnlySpan<char> word)
    {
        int count = 0;
        foreach (Rune _ in word.EnumerateRunes())
            count++;
        return count;
    }

    private static int Special(Dictionary<string, int> pieces, string piece) => pieces.TryGetValue(piece, out int id)
        ? id
        : throw new InvalidDataException($"The vocabulary of {pieces.Count} pieces has no '{piece}'; a BERT vocabulary needs [UNK], [CLS] and [SEP].");
}
