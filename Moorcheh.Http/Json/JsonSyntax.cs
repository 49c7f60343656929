using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Moorcheh.Http.Errors;

namespace Moorcheh.Http.Json;

/// <summary>
/// Decides whether a request body is JSON, all of it, before any field is looked at: strict RFC 8259 in valid UTF-8, at most
/// <see cref="MaxDepth"/> levels, no lone surrogate in an escape.
/// </summary>
internal static class JsonSyntax
{
    /// <summary>Most levels of nesting of a request body; the body itself is level 1.</summary>
    public const int MaxDepth = 64;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = MaxDepth };

    /// <summary>Checks a body.</summary>
    /// <exception cref="MoorchehException"><c>invalid-json</c> with the place of the first mistake.</exception>
    public static void Check(ReadOnlySpan<byte> body) => Check(body, default);

    /// <summary>Checks a body and finds a field of its root object; of a field sent twice the last one.</summary>
    /// <returns>The place of the field; null when it is absent or the body is no object.</returns>
    /// <exception cref="MoorchehException"><c>invalid-json</c> with the place of the first mistake.</exception>
    public static FieldPlace? Check(ReadOnlySpan<byte> body, ReadOnlySpan<byte> fieldName)
    {
        // A mistake in the encoding and one in the syntax: the first one is reported.
        int valid = ValidUtf8Length(body);
        FieldPlace? place;
        try
        {
            place = Read(body[..valid], isWhole: valid == body.Length, fieldName);
        }
        catch (JsonException e)
        {
            throw InvalidAt(body, (int)e.LineNumber.GetValueOrDefault(), (int)e.BytePositionInLine.GetValueOrDefault());
        }

        return valid == body.Length ? place : throw InvalidAt(body, valid);
    }

    private static FieldPlace? Read(ReadOnlySpan<byte> json, bool isWhole, ReadOnlySpan<byte> fieldName)
    {
        var reader = new Utf8JsonReader(json, isWhole, new JsonReaderState(Options));
        FieldPlace? place = null;
        bool isFieldNext = false;
        bool isInside = false;
        int entries = 0;
        int start = 0;
        while (reader.Read())
        {
            JsonTokenType token = reader.TokenType;
            if (reader.ValueIsEscaped && FindLoneSurrogate(reader.ValueSpan) is >= 0 and var lone)
            {
                throw InvalidAt(json, (int)reader.TokenStartIndex + 1 + lone);
            }

            if (isInside)
            {
                // Entries of the wanted array are the tokens that start a value directly below it.
                int depth = reader.CurrentDepth;
                if (depth == 2 && token is not (JsonTokenType.EndObject or JsonTokenType.EndArray))
                {
                    entries++;
                }
                else if (depth == 1)
                {
                    place = new FieldPlace(JsonValueKind.Array, start, entries);
                    isInside = false;
                }
            }
            else if (isFieldNext)
            {
                isFieldNext = false;
                start = (int)reader.TokenStartIndex;
                entries = 0;
                isInside = token == JsonTokenType.StartArray;
                place = new FieldPlace(KindOf(token), start, 0);
            }
            else if (token == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
            {
                isFieldNext = !fieldName.IsEmpty && reader.ValueTextEquals(fieldName);
            }
        }

        return place;
    }

    private static JsonValueKind KindOf(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => JsonValueKind.Object,
        JsonTokenType.StartArray => JsonValueKind.Array,
        JsonTokenType.String => JsonValueKind.String,
        JsonTokenType.Number => JsonValueKind.Number,
        JsonTokenType.True => JsonValueKind.True,
        JsonTokenType.False => JsonValueKind.False,
        _ => JsonValueKind.Null,
    };

    /// <summary>
    /// Finds an escape that stands for one half of a surrogate pair without the other half; -1 when there is none. The reader
    /// takes any four hex digits.
    /// </summary>
    internal static int FindLoneSurrogate(ReadOnlySpan<byte> text)
    {
        int high = -1;
        for (int i = 0; ;)
        {
            int distance = text[i..].IndexOf((byte)'\\');
            if (high >= 0 && distance != 0)
            {
                return high;
            }

            if (distance < 0)
            {
                return -1;
            }

            i += distance;
            int unit = 0;
            int length = 2;
            if (text[i + 1] == 'u')
            {
                Utf8Parser.TryParse(text.Slice(i + 2, 4), out unit, out _, 'x');
                length = 6;
            }

            if (char.IsLowSurrogate((char)unit) != high >= 0)
            {
                return high >= 0 ? high : i;
            }

            high = char.IsHighSurrogate((char)unit) ? i : -1;
            i += length;
        }
    }

    private static int ValidUtf8Length(ReadOnlySpan<byte> body)
    {
        if (Utf8.IsValid(body))
        {
            return body.Length;
        }

        int valid = 0;
        while (Rune.DecodeFromUtf8(body[valid..], out _, out int length) == OperationStatus.Done)
        {
            valid += length;
        }

        return valid;
    }

    private static MoorchehException InvalidAt(ReadOnlySpan<byte> body, int line, int column)
    {
        int start = 0;
        for (int i = 0; i < line; i++)
        {
            start += body[start..].IndexOf((byte)'\n') + 1;
        }

        return RequestErrors.InvalidJson(line + 1, column + 1, Characters(body[..Math.Min(start + column, body.Length)]));
    }

    private static MoorchehException InvalidAt(ReadOnlySpan<byte> body, int offset)
    {
        ReadOnlySpan<byte> before = body[..offset];
        return RequestErrors.InvalidJson(before.Count((byte)'\n') + 1, offset - before.LastIndexOf((byte)'\n'), Characters(before));
    }

    private static int Characters(ReadOnlySpan<byte> utf8)
    {
        int count = 0;
        foreach (byte unit in utf8)
        {
            count += (unit & 0xC0) == 0x80 ? 0 : 1; // All but the bytes that continue a character.
        }

        return count;
    }
}
