using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace Moorcheh.Index.Postings;

/// <summary>
/// Cuts a text into words: maximal runs of letters, digits and underscores, folded; a run of <see cref="PairedScripts"/> into its overlapping pairs of
/// characters, or into itself when it is one character. The only definition of a word: of what is indexed, of <c>#keyword</c> and of a query.
/// </summary>
/// <param name="text">UTF-8; malformed bytes separate words.</param>
internal ref struct WordSplitter(ReadOnlySpan<byte> text)
{
    private const ulong WordSeed = 0xB8E1AFED6A267E96;

    // Of each ASCII character what stands for it; 0 where it separates words.
    private static readonly byte[] AsciiFolds = [.. Enumerable.Range(0, 0x80).Select(FoldAscii)];

    private readonly ReadOnlySpan<byte> _text = text;
    private int _at;

    // The character before in a run of paired scripts, where it begins (negative: no such run), and whether it is in a pair already.
    private ulong _before;
    private int _beforeStart = -1;
    private bool _isPaired;

    /// <summary>Where the word begins in the text.</summary>
    public int Start { get; private set; }

    /// <summary>Where it ends.</summary>
    public int End { get; private set; }

    /// <summary>The term of the word.</summary>
    public ulong Term { get; private set; }

    /// <summary>Goes to the next word.</summary>
    /// <returns>False when there is none.</returns>
    public bool MoveNext()
    {
        while (true)
        {
            int start = _at;
            WordKind kind = Next(out ulong folded);
            if (kind == WordKind.Paired)
            {
                if (_beforeStart < 0)
                {
                    (_before, _beforeStart, _isPaired) = (folded, start, false);
                    continue;
                }

                Found(_beforeStart, _at, TermHash.Step(TermHash.Step(WordSeed, _before), folded));
                (_before, _beforeStart, _isPaired) = (folded, start, true);
                return true;
            }

            if (_beforeStart >= 0)
            {
                int alone = _beforeStart;
                _beforeStart = -1;
                if (!_isPaired)
                {
                    _at = start; // What ended the run comes up again.
                    Found(alone, start, TermHash.Step(WordSeed, _before));
                    return true;
                }
            }

            if (kind == WordKind.Letters)
            {
                ReadLetters(start, folded);
                return true;
            }

            if (_at == _text.Length)
            {
                return false;
            }
        }
    }

    /// <summary>What a character is to words.</summary>
    public static WordKind KindOf(Rune rune) => PairedScripts.Contains(rune) ? WordKind.Paired : CaseFolding.IsWord(rune) ? WordKind.Letters : WordKind.None;

    /// <summary>Decodes the first character. Malformed bytes give U+FFFD, as in a string made of them.</summary>
    /// <returns>False for malformed bytes.</returns>
    public static bool Decode(ReadOnlySpan<byte> utf8, out Rune rune, out int length)
    {
        byte first = MemoryMarshal.GetReference(utf8);
        if (first < 0x80)
        {
            rune = new Rune(first);
            length = 1;
            return true;
        }

        return Rune.DecodeFromUtf8(utf8, out rune, out length) == OperationStatus.Done;
    }

    private static byte FoldAscii(int value) => CaseFolding.IsWord(new Rune(value)) ? (byte)CaseFolding.Fold(new Rune(value)) : (byte)0;

    private void ReadLetters(int start, ulong folded)
    {
        ulong hash = TermHash.Step(WordSeed, folded);
        byte[] ascii = AsciiFolds;
        while (_at < _text.Length && _text[_at] < ascii.Length && ascii[_text[_at]] is not 0 and var letter)
        {
            hash = TermHash.Step(hash, letter);
            _at++;
        }

        int end = _at;
        while (Next(out folded) == WordKind.Letters)
        {
            hash = TermHash.Step(hash, folded);
            end = _at;
        }

        _at = end; // What ended the word comes up again.
        Found(start, end, hash);
    }

    private void Found(int start, int end, ulong hash) => (Start, End, Term) = (start, end, TermHash.Finish(hash));

    private WordKind Next(out ulong folded)
    {
        folded = 0;
        if (_at == _text.Length)
        {
            return WordKind.None;
        }

        byte first = _text[_at];
        if (first < AsciiFolds.Length)
        {
            _at++;
            folded = AsciiFolds[first];
            return folded == 0 ? WordKind.None : WordKind.Letters;
        }

        bool isSound = Decode(_text[_at..], out Rune rune, out int length);
        _at += length;
        WordKind kind = isSound ? KindOf(rune) : WordKind.None;
        folded = kind == WordKind.None ? 0 : (ulong)CaseFolding.Fold(rune);
        return kind;
    }
}
