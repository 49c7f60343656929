using System.Globalization;
using System.Text;
using Moorcheh.Items;
using Moorcheh.Storage;

namespace Moorcheh.Tests.Index;

/// <summary>Random items and filters over an alphabet chosen to be difficult, small enough that many filters match.</summary>
internal sealed class FilterData(int seed)
{
    // Case pairs that upper-casing, lower-casing or case folding get differently; marks, digits, symbols with case, other planes.
    private static readonly string[] Alphabet =
    [
        "a", "A", "s", "S", "\u017F", "\u00DF", "\u1E9E", "i", "I", "\u0130", "\u0131", "\u03A3", "\u03C3", "\u03C2", "k", "\u212A",
        "\u00E5", "\u00C5", "\u212B", "\u01C4", "\u01C5", "\u01C6", "\u0345", "\u03B9", "\u0399", "\u1FBE", "\u00B5", "\u03BC",
        "\u0301", "\u0663", "1", "_", "\u2167", "\u2177", "\u24D0", "\u24B6", "\u6F22", "\U00020000", "\U00010400", "\U00010428",
        "\U00010D50", "\U00010D70", "\U0001F600", "\u200D", "\uFFFD", "-", "+", ".", "#",
    ];

    private static readonly string[] Separators = [" ", " ", "\n", "\u00A0", "-", "+", "!", "\U0001F600"];

    private static readonly string[] Keys = ["a", "b", "c.d", "e-\u00E9", "q\"\\", ""];

    private static readonly string[] Numbers = ["0", "1", "-1", "10", "1.5", "100", "-0.001", "123456789012345678901234567890", "2024"];

    private static readonly string[] Texts =
    [
        "", "x", "X", "\u00DF", "1", "null", "True", "\u03C3\u03B1", "\u03A3\u0391", "\U0001F600", "a b", "\n\"\\",
    ];

    private readonly Random _random = new(seed);

    public string[] QueryKeys { get; } = ["a", "b", "c.d", "missing"];

    public static byte[] Record(string metadata, string text)
    {
        var writer = new ByteWriter();
        ItemRecord.Write(writer, default, default, [], "id"u8, true, Encoding.UTF8.GetBytes(text), Encoding.UTF8.GetBytes(metadata));
        return writer.Written.ToArray();
    }

    public string Text() => string.Concat(Enumerable.Range(0, _random.Next(8)).Select(_ => Run(4) + Pick(Separators)));

    public string Run(int most) => string.Concat(Enumerable.Range(0, _random.Next(1, most + 1)).Select(_ => Pick(Alphabet)));

    /// <summary>A JSON object as raw text, with spare blanks and keys that may repeat.</summary>
    public string Metadata() => Object(Keys, 0);

    /// <summary>A part of a text with the case of some characters changed; now and then cut within a character.</summary>
    public string Keyword(string text)
    {
        if (text.Length == 0 || _random.Next(8) == 0)
        {
            return Run(3);
        }

        int start = _random.Next(text.Length);
        int end = Math.Min(text.Length, start + _random.Next(1, 9));
        if (_random.Next(12) > 0)
        {
            start -= char.IsLowSurrogate(text[start]) ? 1 : 0;
            end += char.IsHighSurrogate(text[end - 1]) ? 1 : 0;
        }

        string part = text[start..end];
        string[] words = part.Split([' ', '\n', '\u00A0'], StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 0 ? Run(2) : OtherCase(Pick(words));
    }

    public string FieldValue() => _random.Next(3) == 0 ? Number() : OtherCase(Pick(Texts.Concat(["false", "NULL", "1.0"]).ToArray()));

    private string OtherCase(string text)
    {
        var changed = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            int length = char.IsSurrogatePair(text, i) ? 2 : 1;
            string character = text.Substring(i, length);
            string[] same = [.. Alphabet.Where(other => other.Equals(character, StringComparison.OrdinalIgnoreCase))];
            changed.Append(same.Length == 0 || _random.Next(2) == 0 ? character : Pick(same));
            i += length - 1;
        }

        return changed.ToString();
    }

    private string Value(int depth) => _random.Next(depth < 3 ? 12 : 9) switch
    {
        0 => "null",
        1 => "true",
        2 => "false",
        < 6 => Number(),
        < 9 => String(Pick(Texts)),
        9 => "{}",
        10 => "[" + string.Join(", ", Enumerable.Range(0, _random.Next(4)).Select(_ => Value(depth + 1))) + "]",
        _ => Object(["x", "y", "\u00E9"], depth + 1),
    };

    private string Object(string[] keys, int depth) =>
        "{" + string.Join(" ,", Enumerable.Range(0, _random.Next(4)).Select(_ => String(Pick(keys)) + ": " + Value(depth + 1))) + "}";

    /// <summary>One of a few values in one of its spellings.</summary>
    private string Number()
    {
        string plain = Pick(Numbers);
        bool isFraction = plain.Contains('.', StringComparison.Ordinal);
        switch (_random.Next(6))
        {
            case 0:
                return plain + (isFraction ? "00" : ".0");
            case 1:
                return plain + Pick(["e0", "E+0", "e-00"]);
            case 2:
                return isFraction || plain == "0" ? plain : plain + "000e-3";
            case 3 when !isFraction && plain[0] != '-':
                return "0.00" + plain + "E" + (plain.Length + 2).ToString(CultureInfo.InvariantCulture);
            case 4 when plain == "0":
                return Pick(["-0", "0e7", "-0.00E-9", "0.0"]);
            default:
                return plain;
        }
    }

    /// <summary>A JSON string, some of its characters escaped.</summary>
    private string String(string text)
    {
        var json = new StringBuilder("\"");
        foreach (char c in text)
        {
            bool mustEscape = c is '"' or '\\' or < ' ';
            json.Append(mustEscape || (!char.IsSurrogate(c) && _random.Next(4) == 0) ? $"\\u{(int)c:x4}" : c.ToString());
        }

        return json.Append('"').ToString();
    }

    private T Pick<T>(T[] from) => from[_random.Next(from.Length)];
}
