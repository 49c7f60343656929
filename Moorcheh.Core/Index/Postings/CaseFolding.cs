using System.Globalization;
using System.Text;

namespace Moorcheh.Index.Postings;

/// <summary>
/// What <see cref="StringComparison.OrdinalIgnoreCase"/> takes for the same character, and what belongs to a word. Taken from the
/// comparison itself: upper-casing by other ways differs from it in a few characters, depending on ICU and its version.
/// </summary>
internal static class CaseFolding
{
    private const int PageSize = 256;

    // Cased characters are in the planes 0 and 1; letters, with the ideographs, in the planes 0 to 3.
    private const int CasedEnd = 0x20000;
    private const int LettersEnd = 0x40000;

    // Null where every character stands for itself.
    private static readonly int[]?[] Pages = CreatePages();

    private static readonly Lazy<ulong> LazyFingerprint = new(ComputeFingerprint);

    /// <summary>
    /// Identifies this runtime's idea of case and of letters. Terms written under another one do not serve. Computed at first use, in
    /// a few milliseconds.
    /// </summary>
    public static ulong Fingerprint => LazyFingerprint.Value;

    /// <summary>One character for all that are equal to it ignoring case.</summary>
    public static int Fold(Rune rune)
    {
        int value = rune.Value;
        if (value < 0x80)
        {
            return char.IsAsciiLetterLower((char)value) ? value - 'a' + 'A' : value;
        }

        return value < CasedEnd && Pages[value / PageSize] is { } page ? page[value % PageSize] : value;
    }

    /// <summary>
    /// True for letters, digits and the underscore, ignoring case as well: U+0345, a mark, is the lower case of the letter iota. Were
    /// it no part of words, a word could begin or end within another one. True for the marks of <see cref="PairedScripts"/>, too.
    /// </summary>
    public static bool IsWord(Rune rune) => rune.IsAscii
        ? char.IsAsciiLetterOrDigit((char)rune.Value) || rune.Value == '_'
        : Rune.IsLetterOrDigit(new Rune(Fold(rune))) || PairedScripts.Contains(rune);

    private static int[]?[] CreatePages()
    {
        int[]?[] pages = new int[]?[CasedEnd / PageSize];
        var classes = new Dictionary<string, int>(4096, StringComparer.OrdinalIgnoreCase);
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup = classes.GetAlternateLookup<ReadOnlySpan<char>>();
        Span<char> utf16 = stackalloc char[2];

        // Letters first, so that a class with a letter has a letter to stand for it.
        foreach (bool isLetter in (ReadOnlySpan<bool>)[true, false])
        {
            for (int value = 0; value < CasedEnd; value++)
            {
                if (!Rune.TryCreate(value, out Rune rune) || Rune.IsLetter(rune) != isLetter || !MayHaveCase(Rune.GetUnicodeCategory(rune)))
                {
                    continue;
                }

                ReadOnlySpan<char> text = utf16[..rune.EncodeToUtf16(utf16)];
                if (lookup.TryGetValue(text, out int first))
                {
                    int[] page = pages[value / PageSize] ??= [.. Enumerable.Range(value / PageSize * PageSize, PageSize)];
                    page[value % PageSize] = first;
                }
                else
                {
                    lookup[text] = value;
                }
            }
        }

        return pages;
    }

    private static bool MayHaveCase(UnicodeCategory category) => category
        is UnicodeCategory.UppercaseLetter
        or UnicodeCategory.LowercaseLetter
        or UnicodeCategory.TitlecaseLetter
        or UnicodeCategory.NonSpacingMark
        or UnicodeCategory.LetterNumber
        or UnicodeCategory.OtherSymbol;

    private static ulong ComputeFingerprint()
    {
        ulong hash = 0;
        for (int value = 0; value < LettersEnd; value++)
        {
            if (Rune.TryCreate(value, out Rune rune))
            {
                hash = TermHash.Step(hash, ((ulong)Fold(rune) << 1) | (IsWord(rune) ? 1UL : 0));
            }
        }

        return TermHash.Finish(hash);
    }
}
