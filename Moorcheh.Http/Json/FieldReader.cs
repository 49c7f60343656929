using System.Globalization;
using System.Text.Json;
using Moorcheh.Http.Errors;

namespace Moorcheh.Http.Json;

/// <summary>
/// Fields of a request object, checked for their JSON kind. Null counts as absent; of a field sent twice the last one counts.
/// </summary>
internal static class FieldReader
{
    // Texts of the client go back into messages, cut so that an answer stays small.
    private const int MaxQuotedChars = 200;

    /// <summary>The root of a request.</summary>
    public static JsonElement Root(this JsonDocument document)
    {
        JsonElement root = document.RootElement;
        return root.ValueKind == JsonValueKind.Object ? root : throw RequestErrors.BodyNotObject(RequestErrors.KindOf(root.ValueKind));
    }

    /// <summary>The field, or null.</summary>
    public static JsonElement? Find(this JsonElement root, string field) =>
        root.TryGetProperty(field, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>The field, or null; another kind is an error.</summary>
    public static JsonElement? Find(this JsonElement root, string field, JsonValueKind kind, string expected)
    {
        JsonElement? value = root.Find(field);
        return value is null || value.Value.ValueKind == kind
            ? value
            : throw RequestErrors.WrongType($"Field '{field}'", expected, RequestErrors.KindOf(value.Value.ValueKind));
    }

    /// <summary>The text, or null.</summary>
    public static string? FindString(this JsonElement root, string field) =>
        root.Find(field, JsonValueKind.String, "a string")?.GetString();

    /// <summary>The text; required.</summary>
    public static string GetString(this JsonElement root, string field) => root.FindString(field) ?? throw RequestErrors.MissingField(field);

    /// <summary>The number, or null. One beyond the range of a double is an infinity.</summary>
    public static double? FindNumber(this JsonElement root, string field) =>
        root.Find(field, JsonValueKind.Number, "a number") is { } value ? value.AsDouble() : null;

    /// <summary>The flag; false when absent.</summary>
    public static bool FindFlag(this JsonElement root, string field) => root.Find(field) is { } value
        && (value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : throw RequestErrors.WrongType($"Field '{field}'", "a boolean", RequestErrors.KindOf(value.ValueKind)));

    /// <summary>The filter, or null.</summary>
    public static Filter? FindFilter(this JsonElement root) =>
        root.Find("filter", JsonValueKind.Object, "an object") is { } filter ? Filter.FromElement(filter) : null;

    /// <summary>The strings of an array, required, 1 to <paramref name="limit"/> of them.</summary>
    /// <param name="root">The request.</param>
    /// <param name="field">Name of the field.</param>
    /// <param name="limit">Most entries.</param>
    /// <param name="tooManyCode">Code when there are more.</param>
    /// <param name="entryName">Begins the message about an entry; its index follows.</param>
    /// <param name="check">Checks an entry and its index, so that the first bad entry is reported whatever its mistake.</param>
    public static List<string> GetStrings(
        this JsonElement root, string field, int limit, string tooManyCode, string entryName, Action<string, int>? check = null)
    {
        JsonElement array = root.Find(field, JsonValueKind.Array, "an array") ?? throw RequestErrors.MissingField(field);
        int count = array.GetArrayLength();
        if (count == 0)
        {
            throw RequestErrors.EmptyField(field);
        }

        if (count > limit)
        {
            throw RequestErrors.TooMany(tooManyCode, field, count, limit);
        }

        var texts = new List<string>(count);
        foreach (JsonElement entry in array.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.String)
            {
                throw RequestErrors.WrongType($"{entryName} {texts.Count}", "a string", RequestErrors.KindOf(entry.ValueKind));
            }

            string text = entry.GetString()!;
            check?.Invoke(text, texts.Count);
            texts.Add(text);
        }

        return texts;
    }

    /// <summary>The value of a JSON number; an infinity when it does not fit.</summary>
    public static double AsDouble(this JsonElement number) =>
        double.Parse(number.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture);

    /// <summary>A value as it goes into a message: as sent, but not longer than a message should be.</summary>
    public static string Quote(this JsonElement value)
    {
        string text = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        return text.Length <= MaxQuotedChars ? text : string.Concat(text.AsSpan(0, MaxQuotedChars), "...");
    }
}
