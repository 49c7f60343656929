using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;

namespace Moorcheh;

/// <summary>
/// Escapes only what JSON demands: quotes, backslashes and control characters. The framework's most relaxed encoder still writes
/// characters beyond U+FFFF as two escapes, twelve bytes for four.
/// </summary>
internal sealed unsafe class PlainJsonEncoder : JavaScriptEncoder
{
    public override int MaxOutputCharactersPerInputCharacter => 6;

    public override int FindFirstCharacterToEncode(char* text, int textLength)
    {
        var rest = new ReadOnlySpan<char>(text, textLength);
        while (Rune.DecodeFromUtf16(rest, out Rune rune, out int length) == OperationStatus.Done && !WillEncode(rune.Value))
        {
            rest = rest[length..];
        }

        return rest.IsEmpty ? -1 : textLength - rest.Length;
    }

    public override bool WillEncode(int unicodeScalar) => unicodeScalar is < 0x20 or '"' or '\\' or 0x7F;

    public override bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten) =>
        UnsafeRelaxedJsonEscaping.TryEncodeUnicodeScalar(unicodeScalar, buffer, bufferLength, out numberOfCharactersWritten);
}
