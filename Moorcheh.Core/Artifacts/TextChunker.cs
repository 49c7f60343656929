using System.Globalization;

namespace Moorcheh.Artifacts;

/// <summary>
/// Cuts a text into chunks of at most so many tokens: after a paragraph where possible, else after a sentence or line, else after a blank, else
/// anywhere between two characters. The chunks joined are exactly the text. No chunk is blanks only, unless all of the text is: a run of blanks
/// too long for its chunk stays with it all the same, beyond the limit. Every part of the text is counted about twice, in short pieces, so
/// that a text without blanks takes no more time and memory than any other.
/// </summary>
/// <param name="countTokens">The tokenizer.</param>
/// <param name="maxTokens">Most tokens of a chunk.</param>
/// <param name="atBlanks">True: chunks are as long as they may be, whatever ends there.</param>
public sealed class TextChunker(Func<string, int> countTokens, int maxTokens, bool atBlanks = false)
{
    private const int PieceCharacters = 400;

    /// <summary>A chunk has no more characters than this for each of its tokens: some tokenizers count a word of any length as one.</summary>
    private const int MaxCharactersPerToken = 32;

    private enum Cut : byte
    {
        Anywhere,
        Blank,
        Sentence,
        Paragraph,
    }

    /// <summary>The chunks in order, found while they are asked for.</summary>
    /// <param name="text">The text.</param>
    /// <param name="cancellationToken">Looked at before each chunk.</param>
    public IEnumerable<Range> Split(string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        return JoinBlanks(text, SplitChunks(text, cancellationToken));
    }

    /// <summary>Blanks alone are no chunk: they belong to the chunk before them, at the start of the text to the one behind.</summary>
    private static IEnumerable<Range> JoinBlanks(string text, IEnumerable<Range> chunks)
    {
        Range? held = null;
        bool isHeldBlank = false;
        foreach (Range chunk in chunks)
        {
            bool isBlank = text.AsSpan(chunk).IsWhiteSpace();
            if (held is { } before && !isBlank && !isHeldBlank)
            {
                yield return before;
                held = null;
            }

            isHeldBlank = isBlank && (held is null || isHeldBlank);
            held = held is { } start ? start.Start..chunk.End : chunk;
        }

        if (held is { } last)
        {
            yield return last;
        }
    }

    private IEnumerable<Range> SplitChunks(string text, CancellationToken cancellationToken)
    {
        var pieces = new Queue<Piece>();
        List<Piece> chunk = [];
        int next = 0;
        int tokens = 0;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (pieces.Count == 0 && next < text.Length)
            {
                int end = FindPieceEnd(text, next);
                AddPieces(pieces, text, next, end);
                next = end;
            }

            Piece? piece = pieces.Count > 0 ? pieces.Peek() : null;
            if (piece is { } fits && (chunk.Count == 0 || (tokens + fits.Tokens <= maxTokens && fits.End - chunk[0].Start <= (long)maxTokens * MaxCharactersPerToken)))
            {
                chunk.Add(pieces.Dequeue());
                tokens += fits.Tokens;
                continue;
            }

            if (chunk.Count == 0)
            {
                yield break;
            }

            // Tokens of pieces need not add up: the chunk as a whole is what counts.
            int count = piece is null || atBlanks ? chunk.Count : FindCut(chunk);
            while (count > 1 && countTokens(text[chunk[0].Start..chunk[count - 1].End]) > maxTokens)
            {
                count--;
            }

            yield return chunk[0].Start..chunk[count - 1].End;
            chunk.RemoveRange(0, count);
            tokens = chunk.Sum(left => left.Tokens);
        }
    }

    /// <summary>How many pieces of a full chunk come before the best place to cut it.</summary>
    private static int FindCut(List<Piece> chunk)
    {
        for (Cut wanted = Cut.Paragraph; wanted > Cut.Anywhere; wanted--)
        {
            int last = chunk.FindLastIndex(piece => piece.Cut >= wanted);
            if (last >= 0)
            {
                return last + 1;
            }
        }

        return chunk.Count;
    }

    /// <summary>Adds a piece, in halves where it has too many tokens for a chunk.</summary>
    private void AddPieces(Queue<Piece> pieces, string text, int start, int end)
    {
        int tokens = countTokens(text[start..end]);
        int half = tokens <= maxTokens ? start : FindHalf(text, start, end);
        if (half == start)
        {
            pieces.Enqueue(new Piece(start, end, tokens, CutAt(text, end)));
            return;
        }

        AddPieces(pieces, text, start, half);
        AddPieces(pieces, text, half, end);
    }

    /// <summary>The place after a blank that is nearest to the middle, or the middle; the start when there is but one character.</summary>
    private static int FindHalf(string text, int start, int end)
    {
        int middle = (start + end) / 2;
        for (int distance = 0; middle - distance > start; distance++)
        {
            if (CutAt(text, middle - distance) != Cut.Anywhere)
            {
                return middle - distance;
            }

            if (middle + distance < end && CutAt(text, middle + distance) != Cut.Anywhere)
            {
                return middle + distance;
            }
        }

        middle += IsInside(text, middle) ? 1 : 0;
        return middle > start && middle < end ? middle : start;
    }

    /// <summary>The end of the sentence that begins at a place, or a place before it where the sentence is long.</summary>
    private static int FindPieceEnd(string text, int start)
    {
        int limit = Math.Min(text.Length, start + PieceCharacters);
        int blank = -1;
        for (int i = start + 1; i <= limit; i++)
        {
            Cut cut = CutAt(text, i);
            if (cut >= Cut.Sentence || i == text.Length)
            {
                return i;
            }

            blank = cut == Cut.Blank ? i : blank;
        }

        return blank > 0 ? blank : IsInside(text, limit) ? limit - 1 : limit;
    }

    /// <summary>What a cut before the character at a place separates. Blanks belong to what is before them.</summary>
    private static Cut CutAt(string text, int place)
    {
        if (place == text.Length)
        {
            return Cut.Paragraph;
        }

        if (!char.IsWhiteSpace(text[place - 1]))
        {
            return text[place - 1] is '。' or '！' or '？' && !char.IsWhiteSpace(text[place]) ? Cut.Sentence : Cut.Anywhere;
        }

        if (char.IsWhiteSpace(text[place]))
        {
            return Cut.Anywhere;
        }

        int lines = 0;
        int i = place - 1;
        for (; i >= 0 && char.IsWhiteSpace(text[i]) && place - i < PieceCharacters; i--)
        {
            lines += text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n') ? 1 : 0;
        }

        return lines > 1 ? Cut.Paragraph : lines == 1 || (i >= 0 && EndsSentence(text, i)) ? Cut.Sentence : Cut.Blank;
    }

    private static bool EndsSentence(string text, int last)
    {
        while (last > 0 && (text[last] is '"' or '\''
            || CharUnicodeInfo.GetUnicodeCategory(text[last]) is UnicodeCategory.ClosePunctuation or UnicodeCategory.FinalQuotePunctuation))
        {
            last--;
        }

        return text[last] is '.' or '!' or '?' or '…' or '。' or '！' or '？';
    }

    /// <summary>True when a cut would part a surrogate pair.</summary>
    private static bool IsInside(string text, int place) =>
        place > 0 && place < text.Length && char.IsLowSurrogate(text[place]) && char.IsHighSurrogate(text[place - 1]);

    private readonly record struct Piece(int Start, int End, int Tokens, Cut Cut);
}
