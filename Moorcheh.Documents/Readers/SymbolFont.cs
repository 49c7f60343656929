using System.Globalization;

namespace Moorcheh.Documents.Readers;

/// <summary>What the characters of fonts that are no alphabets stand for.</summary>
internal static class SymbolFont
{
    // The encoding of the font Symbol, from 0x20 and from 0xA0; a blank where there is nothing to read.
    private const string Low = " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_ αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼ ";
    private const string High = "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…  ↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑         〉∫⌠ ⌡         ";

    /// <summary>The character of a symbol as Word writes it: hexadecimal, often in the private area.</summary>
    public static string Read(string? font, string? character)
    {
        if (!int.TryParse(character, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
            || code is 0 or (>= 0xD800 and <= 0xDFFF) or > 0x10FFFF)
        {
            return "";
        }

        int place = code is >= 0xF000 and <= 0xF0FF ? code - 0xF000 : code;
        return font switch
        {
            "Symbol" when place is >= 0x20 and < 0x80 => Low[place - 0x20].ToString(),
            "Symbol" when place is >= 0xA0 and < 0x100 => High[place - 0xA0].ToString(),
            "Wingdings" => place switch
            {
                0x4A => "☺",
                0x6C or 0x9F => "•",
                0xA7 => "▪",
                0xA8 => "☐",
                0xD8 => "➢",
                0xE0 => "→",
                0xFB => "✗",
                0xFC => "✓",
                0xFD => "☒",
                0xFE => "☑",
                _ => char.ConvertFromUtf32(code),
            },
            _ => char.ConvertFromUtf32(code),
        };
    }
}
