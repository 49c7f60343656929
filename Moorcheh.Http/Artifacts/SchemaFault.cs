using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Moorcheh.Http.Artifacts;

/// <summary>One fault of a request, as the 422 answer shows it.</summary>
/// <param name="Type">What kind of fault.</param>
/// <param name="Loc">Where: names and positions.</param>
/// <param name="Msg">For people.</param>
/// <param name="Input">What was sent there, a copy; null for nothing.</param>
/// <param name="Context">A limit that was broken; null for none.</param>
internal sealed record SchemaFault(string Type, IReadOnlyList<object> Loc, string Msg, JsonElement? Input, (string Name, object Value)? Context = null)
{
    // What a client sends is given back only so far.
    private const int MaxInputBytes = 1024;

    /// <summary>Set when the input is to be an empty object, whatever was sent.</summary>
    public bool HidesInput { get; init; }

    /// <summary>A text whose beginning is to be shown as the input.</summary>
    public string? InputText { get; init; }

    /// <summary>A fault whose input is part of a document that will be gone when the answer is written.</summary>
    public static SchemaFault Of(string type, IReadOnlyList<object> loc, string message, JsonElement input, (string Name, object Value)? context = null) =>
        JsonMarshal.GetRawUtf8Value(input).Length > MaxInputBytes
            ? new SchemaFault(type, loc, message, null, context) { InputText = Start(input.ValueKind == JsonValueKind.String ? input.GetString()! : RawStart(input)) }
            : new SchemaFault(type, loc, message, input.Clone(), context);

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("type"u8, Type);
        writer.WriteStartArray("loc"u8);
        foreach (object step in Loc)
        {
            WriteValue(writer, step);
        }

        writer.WriteEndArray();
        writer.WriteString("msg"u8, Msg);
        writer.WritePropertyName("input"u8);
        WriteInput(writer);
        if (Context is { } context)
        {
            writer.WriteStartObject("ctx"u8);
            writer.WritePropertyName(context.Name);
            WriteValue(writer, context.Value);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter writer, object value)
    {
        if (value is int number)
        {
            writer.WriteNumberValue(number);
        }
        else
        {
            writer.WriteStringValue((string)value);
        }
    }

    private void WriteInput(Utf8JsonWriter writer)
    {
        if (HidesInput)
        {
            writer.WriteStartObject();
            writer.WriteEndObject();
        }
        else if (InputText is not null)
        {
            writer.WriteStringValue(Start(InputText));
        }
        else if (Input is { } input)
        {
            input.WriteTo(writer);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    // Of a whole body the text would take twice as much again; a character has at most four bytes.
    private static string RawStart(JsonElement input)
    {
        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(input);
        return Encoding.UTF8.GetString(raw[..Math.Min(raw.Length, 4 * MaxInputBytes)]);
    }

    private static string Start(string text)
    {
        int length = Math.Min(text.Length, MaxInputBytes);
        length -= length < text.Length && char.IsHighSurrogate(text[length - 1]) ? 1 : 0;
        return text[..length];
    }
}
