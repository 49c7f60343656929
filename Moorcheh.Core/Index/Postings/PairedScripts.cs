using System.Text;

namespace Moorcheh.Index.Postings;

/// <summary>
/// The scripts that put no blanks between words, or, as Hangul, whose words carry endings: Han, Kana, Hangul and Thai. Their runs are indexed as
/// overlapping pairs of characters. Letters and what belongs to them (marks, sounds, iteration); digits and punctuation are none.
/// </summary>
internal static class PairedScripts
{
    /// <summary>First and last character of each range, in increasing order.</summary>
    private static ReadOnlySpan<int> Ranges =>
    [
        0x0E01, 0x0E3A, 0x0E40, 0x0E4E, // Thai with its vowel and tone marks
        0x1100, 0x11FF, // Hangul jamo
        0x3005, 0x3005, 0x3007, 0x3007, 0x3021, 0x3029, 0x3038, 0x303B, // Han iteration mark and numerals
        0x3041, 0x3096, 0x3099, 0x309A, 0x309D, 0x309F, // Hiragana, sound marks
        0x30A1, 0x30FA, 0x30FC, 0x30FF, // Katakana
        0x3131, 0x318E, // Hangul compatibility jamo
        0x31F0, 0x31FF, // Katakana extensions
        0x3400, 0x4DBF, 0x4E00, 0x9FFF, // Han
        0xA960, 0xA97C, 0xAC00, 0xD7A3, 0xD7B0, 0xD7C6, 0xD7CB, 0xD7FB, // Hangul
        0xF900, 0xFA6D, 0xFA70, 0xFAD9, // Han for compatibility
        0xFF66, 0xFF9F, // Katakana of half width
        0xFFA0, 0xFFBE, 0xFFC2, 0xFFC7, 0xFFCA, 0xFFCF, 0xFFD2, 0xFFD7, 0xFFDA, 0xFFDC, // Hangul of half width
        0x1AFF0, 0x1AFFE, 0x1B000, 0x1B122, 0x1B132, 0x1B132, 0x1B150, 0x1B152, 0x1B155, 0x1B155, 0x1B164, 0x1B167, // Kana
        0x20000, 0x2A6DF, 0x2A700, 0x2EE5D, 0x2F800, 0x2FA1D, 0x30000, 0x323AF, // Han
    ];

    /// <summary>True for a character of such a script.</summary>
    public static bool Contains(Rune rune)
    {
        int value = rune.Value;
        if (value < Ranges[0])
        {
            return false;
        }

        int low = 0;
        int high = (Ranges.Length / 2) - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = Ranges[middle * 2] <= value ? (middle, high) : (low, middle - 1);
        }

        return value <= Ranges[(low * 2) + 1];
    }
}
