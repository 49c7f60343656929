using System.Globalization;
using System.Text;
using ADRaffy.ENSNormalize;

namespace Moorcheh.Embeddings.Text;

/// <summary>
/// The words of a text as BERT's BasicTokenizer sees them: split at blanks, each punctuation mark and each Chinese character a word
/// of its own, control characters dropped; with lower-casing, accents are dropped too.
/// </summary>
internal ref struct WordSplitter
{
    private readonly bool _lowerCase;

    private ReadOnlySpan<char> _rest;
    private Rune? _pending;

    public WordSplitter(string text, bool lowerCase)
    {
        _lowerCase = lowerCase;
        _rest = lowerCase ? Decompose(text) : text;
    }

    /// <summary>Reads the next word, at most <paramref name="maxRunes"/> code points of it; one more tells that it is longer.</summary>
    public bool TryRead(StringBuilder word, int maxRunes)
    {
        word.Clear();
        int runes = 0;
        if (_pending is { } alone)
        {
            _pending = null;
            word.Append(alone.ToString());
            return true;
        }
        while (!_rest.IsEmpty)
        {
            Rune.DecodeFromUtf16(_rest, out Rune rune, out int length);   // a lone surrogate reads as U+FFFD
            _rest = _rest[length..];
            UnicodeCategory category = Rune.GetUnicodeCategory(rune);
            if (IsBlank(rune, category))
            {
                if (runes > 0)
                    return true;
            }
            else if (IsDropped(rune, category))
            {
                continue;
            }
            else if (IsPunctuation(rune, category) || IsChinese(rune.Value))
            {
                if (runes > 0)
                {
                    _pending = rune;
                    return true;
                }
                word.Append(rune.ToString());
                return true;
            }
            else if (++runes <= maxRunes + 1)
            {
                Append(word, _lowerCase ? Rune.ToLowerInvariant(rune) : rune);
            }
        }
        return runes > 0;
    }

    /// <summary>
    /// Canonical decomposition, with the package's tables: <see cref="string.Normalize()"/> leaves text as it is where globalization is
    /// invariant, and throws on lone surrogates.
    /// </summary>
    private static string Decompose(string text) => Ascii.IsValid(text) ? text : ENSNormalize.NF.NFD(text);

    private static void Append(StringBuilder word, Rune rune)
    {
        Span<char> units = stackalloc char[2];
        word.Append(units[..rune.EncodeToUtf16(units)]);
    }

    private static bool IsBlank(Rune rune, UnicodeCategory category) =>
        category is UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        || rune.Value is '\t' or '\n' or '\r';

    private readonly bool IsDropped(Rune rune, UnicodeCategory category) => category switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned => true,
        UnicodeCategory.NonSpacingMark => _lowerCase,
        _ => rune == Rune.ReplacementChar,
    };

    private static bool IsPunctuation(Rune rune, UnicodeCategory category) =>
        rune.Value is (>= 33 and <= 47) or (>= 58 and <= 64) or (>= 91 and <= 96) or (>= 123 and <= 126)
        || category is UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation
            or UnicodeCategory.ClosePunctuation or UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation
            or UnicodeCategory.OtherPunctuation;

    /// <summary>The blocks BERT lists: ideographs, without kana and Hangul, which are written in words.</summary>
    private static bool IsChinese(int codePoint) => codePoint
        is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x20000 and <= 0x2A6DF)
        or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B820 and <= 0x2CEAF) or (>= 0x2F800 and <= 0x2FA1F);
}
