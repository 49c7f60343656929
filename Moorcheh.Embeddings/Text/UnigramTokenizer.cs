using System.Buffers;
using System.Globalization;

namespace Moorcheh.Embeddings.Text;

/// <summary>
/// SentencePiece's unigram model as the built-in model uses it: NFKC, U+2581 in front and for every space, then the path of pieces with
/// the highest sum of scores. Where no piece starts, one character is unknown; runs of unknown characters are one token.
/// </summary>
internal sealed class UnigramTokenizer : ITokenizer
{
    private const int UnknownId = 0;
    private const int FirstPieceId = 6;   // below are reserved ids that no text may produce
    private const char WordStart = '\u2581';

    private readonly PieceTrie _trie;
    private readonly double[] _scores;

    private UnigramTokenizer(string[] pieces, double[] scores)
    {
        _scores = scores;
        _trie = new PieceTrie(pieces.Select((text, id) => (text, id)).Skip(FirstPieceId));

        // Encode relies on it: were one character only the start of longer pieces, some positions could not be reached.
        foreach (string piece in pieces.Skip(FirstPieceId))
        {
            if (_trie.IdAt(_trie.Next(PieceTrie.Root, piece[0])) == PieceTrie.None)
                throw new InvalidDataException($"The vocabulary has the piece '{piece}' but not its first character as a piece.");
        }
    }

    public int? StartId => null;

    public int? EndId => null;

    public int PaddingId => UnknownId;

    public int VocabularySize => _scores.Length;

    /// <summary>Reads a vocabulary: one line a piece in the order of the ids, the piece, a tab and its score.</summary>
    public static UnigramTokenizer Read(TextReader reader)
    {
        var pieces = new List<string>();
        var scores = new List<double>();
        while (reader.ReadLine() is { } line)
        {
            int tab = line.LastIndexOf('\t');
            pieces.Add(line[..tab]);
            scores.Add(double.Parse(line.AsSpan(tab + 1), CultureInfo.InvariantCulture));
        }
        return new UnigramTokenizer([.. pieces], [.. scores]);
    }

    public int[] Encode(string text)
    {
        // Pieces have no surrogates, so a pair is two unknown characters, which a run of unknowns joins: UTF-16 units do as well as code points.
        string symbols = WordStart + UnicodeNormalizer.ToNfkc(text).Replace(' ', WordStart);
        double[] best = ArrayPool<double>.Shared.Rent(symbols.Length + 1);
        int[] ids = ArrayPool<int>.Shared.Rent(symbols.Length + 1);
        int[] starts = ArrayPool<int>.Shared.Rent(symbols.Length + 1);
        try
        {
            FindBestPath(symbols, best, ids, starts);
            return ReadBack(symbols.Length, ids, starts);
        }
        finally
        {
            ArrayPool<double>.Shared.Return(best);
            ArrayPool<int>.Shared.Return(ids);
            ArrayPool<int>.Shared.Return(starts);
        }
    }

    /// <summary>Fills, for each end position, the sum, last piece and its start on the best path to it.</summary>
    private void FindBestPath(string symbols, double[] best, int[] ids, int[] starts)
    {
        Array.Fill(best, double.NegativeInfinity, 0, symbols.Length + 1);
        best[0] = 0;
        for (int start = 0; start < symbols.Length; start++)
        {
            bool known = false;
            int node = PieceTrie.Root;
            for (int end = start; end < symbols.Length; end++)
            {
                node = _trie.Next(node, symbols[end]);
                if (node == PieceTrie.None)
                    break;
                int id = _trie.IdAt(node);
                if (id == PieceTrie.None)
                    continue;
                known = true;
                Offer(start, end + 1, id, best[start] + _scores[id], best, ids, starts);
            }
            if (!known)
                Offer(start, start + 1, UnknownId, best[start], best, ids, starts);
        }
    }

    /// <summary>Starts come in rising order, so "at least as good" lets the later start win.</summary>
    private static void Offer(int start, int end, int id, double sum, double[] best, int[] ids, int[] starts)
    {
        if (sum < best[end])
            return;
        best[end] = sum;
        ids[end] = id;
        starts[end] = start;
    }

    private static int[] ReadBack(int length, int[] ids, int[] starts)
    {
        var tokens = new List<int>(length / 3);
        for (int end = length; end > 0; end = starts[end])
        {
            if (ids[end] != UnknownId || tokens.Count == 0 || tokens[^1] != UnknownId)
                tokens.Add(ids[end]);
        }
        tokens.Reverse();
        return [.. tokens];
    }
}
