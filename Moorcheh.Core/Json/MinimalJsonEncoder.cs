using System.Buffers;
using System.Text.Encodings.Web;

namespace Moorcheh.Json;

/// <summary>
/// Escapes only what JSON demands: quotation mark, backslash and control characters. The framework's relaxed encoder still
/// escapes emoji and everything else outside the basic plane, which makes metadata three times as long as it was sent.
/// </summary>
internal sealed class MinimalJsonEncoder : JavaScriptEncoder
{
    private const string HexDigits = "0123456789abcdef";

    private static readonly SearchValues<char> Escaped = SearchValues.Create(
        "\"\\\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\u0009\u000a\u000b\u000c\u000d\u000e\u000f"
        + "\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f");

    private static readonly SearchValues<byte> EscapedUtf8 = SearchValues.Create(
        [(byte)'"', (byte)'\\', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]);

    private MinimalJsonEncoder()
    {
    }

    public static MinimalJsonEncoder Instance { get; } = new();

    public override int MaxOutputCharactersPerInputCharacter => 6;

    public override bool WillEncode(int unicodeScalar) => unicodeScalar is < 0x20 or '"' or '\\';

    public override unsafe int FindFirstCharacterToEncode(char* text, int textLength)
    {
        var span = new ReadOnlySpan<char>(text, textLength);
        int first = span.IndexOfAny(Escaped);

        // A lone surrogate cannot be written as UTF-8; reporting it makes the base class replace it.
        int surrogate = span.IndexOfAnyInRange('\ud800', '\udfff');
        if (surrogate < 0 || (first >= 0 && first < surrogate))
        {
            return first;
        }

        for (int i = surrogate; i < (first < 0 ? span.Length : first); i++)
        {
            if (!char.IsSurrogate(span[i]))
            {
                continue;
            }

            if (i + 1 < span.Length && char.IsSurrogatePair(span[i], span[i + 1]))
            {
                i++;
                continue;
            }

            return i;
        }

        return first;
    }

    public override int FindFirstCharacterToEncodeUtf8(ReadOnlySpan<byte> utf8Text) => utf8Text.IndexOfAny(EscapedUtf8);

    public override unsafe bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        var output = new Span<char>(buffer, bufferLength);
        char shortForm = unicodeScalar switch
        {
            '"' => '"',
            '\\' => '\\',
            '\b' => 'b',
            '\f' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            _ => '\0',
        };
        if (shortForm != '\0')
        {
            numberOfCharactersWritten = output.Length < 2 ? 0 : 2;
            if (numberOfCharactersWritten == 0)
            {
                return false;
            }

            output[0] = '\\';
            output[1] = shortForm;
            return true;
        }

        if (!WillEncode(unicodeScalar))
        {
            var rune = new System.Text.Rune(unicodeScalar);
            return rune.TryEncodeToUtf16(output, out numberOfCharactersWritten);
        }

        numberOfCharactersWritten = output.Length < 6 ? 0 : 6;
        if (numberOfCharactersWritten == 0)
        {
            return false;
        }

        "\\u00".CopyTo(output);
        output[4] = HexDigits[unicodeScalar >> 4];
        output[5] = HexDigits[unicodeScalar & 15];
        return true;
    }
}
