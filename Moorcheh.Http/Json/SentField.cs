using System.Text.Json;

namespace Moorcheh.Http.Json;

/// <summary>A field of an upload's entry, and how fields are taken from JSON that <see cref="JsonSyntax"/> has accepted.</summary>
/// <param name="Kind">Kind of its value; <see cref="JsonValueKind.Undefined"/> where it was not sent.</param>
/// <param name="Text">The value if it is a string.</param>
internal readonly record struct SentField(JsonValueKind Kind, string? Text)
{
    /// <summary>Takes the numbers of the array that the reader stands on. Those beyond the target are checked and counted but not kept.</summary>
    public static NumberArray ReadNumbers(ref Utf8JsonReader reader, Span<float> target)
    {
        int count = 0;
        JsonValueKind bad = JsonValueKind.Undefined;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (bad != JsonValueKind.Undefined)
            {
                reader.Skip();
                continue;
            }

            int position = 0;
            if (reader.TokenType != JsonTokenType.Number)
            {
                bad = KindOf(reader.TokenType);
                reader.Skip();
            }
            else if (!FloatParser.TryParse(reader.ValueSpan, ref position, out float value) || !float.IsFinite(value))
            {
                bad = JsonValueKind.Number;
            }
            else
            {
                if (count < target.Length)
                {
                    target[count] = value;
                }

                count++;
            }
        }

        return new NumberArray(count, bad);
    }

    /// <summary>Takes the value behind the name that the reader stands on.</summary>
    public static SentField Read(ref Utf8JsonReader reader)
    {
        reader.Read();
        var sent = new SentField(KindOf(reader.TokenType), reader.TokenType == JsonTokenType.String ? reader.GetString() : null);
        reader.Skip();
        return sent;
    }

    /// <summary>The name that the reader stands on, as it was sent, with its quotation marks.</summary>
    public static ReadOnlySpan<byte> RawName(ReadOnlySpan<byte> json, ref Utf8JsonReader reader) =>
        json.Slice((int)reader.TokenStartIndex, reader.ValueSpan.Length + 2);

    /// <summary>The value behind the name that the reader stands on, as it was sent.</summary>
    public static ReadOnlySpan<byte> ReadRaw(ReadOnlySpan<byte> json, ref Utf8JsonReader reader)
    {
        reader.Read();
        int start = (int)reader.TokenStartIndex;
        reader.Skip();
        return json[start..(int)reader.BytesConsumed];
    }

    /// <summary>The kind of the value that begins with a token.</summary>
    public static JsonValueKind KindOf(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => JsonValueKind.Object,
        JsonTokenType.StartArray => JsonValueKind.Array,
        JsonTokenType.String => JsonValueKind.String,
        JsonTokenType.True => JsonValueKind.True,
        JsonTokenType.False => JsonValueKind.False,
        JsonTokenType.Null => JsonValueKind.Null,
        _ => JsonValueKind.Number,
    };
}
