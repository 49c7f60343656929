using System.Text;
using System.Text.Json;

namespace Moorcheh.Http.Artifacts;

/// <summary>
/// An object of a request with the place it has there. Reading a field gives its value, or notes the fault and gives a stand-in, so that all
/// faults are found, up to <see cref="MaxFaults"/>. No value is converted: a number is no string. An explicit null is a fault unless the field is nullable.
/// </summary>
internal sealed class SchemaNode(JsonElement element, List<SchemaFault> faults, object[] loc)
{
    /// <summary>Most faults that are noted: a body of millions of wrong entries would take many times its size.</summary>
    public const int MaxFaults = 100;

    public JsonElement Element => element;

    public List<SchemaFault> Faults => faults;

    /// <summary>The field, required or not; null when it is absent or not an object.</summary>
    public SchemaNode? Node(string name, bool isRequired)
    {
        if (Find(name, isRequired, isNullable: !isRequired) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Object)
        {
            return new SchemaNode(value, faults, At(name));
        }

        Add("model_attributes_type", At(name), "Input should be a valid dictionary or object to extract fields from", value);
        return null;
    }

    /// <summary>An object of any shape, or null.</summary>
    public JsonElement? Dictionary(string name)
    {
        if (Find(name, isRequired: false, isNullable: true) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Object)
        {
            return value;
        }

        Add("dict_type", At(name), "Input should be a valid dictionary", value);
        return null;
    }

    /// <summary>A string.</summary>
    public string? Text(string name, bool isRequired, bool isNullable = false, int maxLength = 0, object[]? at = null)
    {
        if (Find(name, isRequired, isNullable, at) is not { } value)
        {
            return null;
        }

        at ??= At(name);
        if (value.ValueKind != JsonValueKind.String)
        {
            Add("string_type", at, "Input should be a valid string", value);
            return null;
        }

        string text = value.GetString()!;
        if (maxLength > 0)
        {
            int length = text.Length == 0 ? 0 : text.Length <= maxLength ? 1 : CountCharacters(text);
            if (length == 0)
            {
                Add("string_too_short", at, "String should have at least 1 character", value, ("min_length", 1));
            }
            else if (length > maxLength)
            {
                Add("string_too_long", at, $"String should have at most {maxLength} characters", value, ("max_length", maxLength));
            }
        }

        return text;
    }

    /// <summary>A string that is sent on in a frame with room for so many bytes.</summary>
    public string? ShortText(string name, bool isRequired, int maxBytes)
    {
        string? text = Text(name, isRequired, isNullable: !isRequired);
        int bytes = text is null ? 0 : Encoding.UTF8.GetByteCount(text);
        if (bytes > maxBytes)
        {
            AddValueError(At(name), $"{name} has {bytes} bytes; the limit is {maxBytes}", element.GetProperty(name));
        }

        return text;
    }

    /// <summary>One of several words.</summary>
    public string? Word(string name, ReadOnlySpan<string> words)
    {
        if (Find(name, isRequired: false, isNullable: false) is not { } value)
        {
            return null;
        }

        CheckWord(value, At(name), words);
        return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }

    /// <summary>True when no more faults are noted.</summary>
    public bool IsFull => faults.Count >= MaxFaults;

    /// <summary>An array, or null.</summary>
    public JsonElement? List(string name)
    {
        if (Find(name, isRequired: false, isNullable: true) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            Add("list_type", At(name), "Input should be a valid list", value);
            return null;
        }

        return value;
    }

    /// <summary>The strings of an array, or null.</summary>
    public List<string>? Texts(string name)
    {
        if (List(name) is not { } entries)
        {
            return null;
        }

        List<string> texts = [];
        int i = 0;
        foreach (JsonElement value in entries.EnumerateArray().TakeWhile(_ => !IsFull))
        {
            if (value.ValueKind == JsonValueKind.String)
            {
                texts.Add(value.GetString()!);
            }
            else
            {
                Add("string_type", At(name, i), "Input should be a valid string", value);
            }

            i++;
        }

        return texts;
    }

    /// <summary>Those of some words that are in an array, or null.</summary>
    public HashSet<string>? Words(string name, string[] words)
    {
        if (List(name) is not { } entries)
        {
            return null;
        }

        HashSet<string> found = [];
        int i = 0;
        foreach (JsonElement value in entries.EnumerateArray().TakeWhile(_ => !IsFull))
        {
            if (value.ValueKind == JsonValueKind.String && Array.IndexOf(words, value.GetString()) is >= 0 and var at)
            {
                found.Add(words[at]);
            }
            else
            {
                CheckWord(value, At(name, i), words);
            }

            i++;
        }

        return found;
    }

    /// <summary>A whole number from 1 on, or null; one beyond all sizes is the greatest.</summary>
    public long? Count(string name)
    {
        if (Find(name, isRequired: false, isNullable: true) is not { } value)
        {
            return null;
        }

        bool isWhole = value.ValueKind == JsonValueKind.Number && !value.GetRawText().AsSpan().ContainsAny('.', 'e', 'E');
        long number = long.MaxValue;
        if (!isWhole)
        {
            Add("int_type", At(name), "Input should be a valid integer", value);
        }
        else if ((value.TryGetInt64(out number) && number < 1) || value.GetRawText()[0] == '-')
        {
            Add("greater_than_equal", At(name), "Input should be greater than or equal to 1", value, ("ge", 1));
        }

        return isWhole && value.TryGetInt64(out number) ? number : long.MaxValue;
    }

    /// <summary>A flag whose value does not matter.</summary>
    public void Flag(string name)
    {
        if (Find(name, isRequired: false, isNullable: false) is { ValueKind: not (JsonValueKind.True or JsonValueKind.False) } value)
        {
            Add("bool_type", At(name), "Input should be a valid boolean", value);
        }
    }

    /// <summary>The field; notes a fault when it must be there and is not. Null for an explicit null that is allowed.</summary>
    public JsonElement? Find(string name, bool isRequired, bool isNullable, object[]? at = null)
    {
        if (!element.TryGetProperty(name, out JsonElement value))
        {
            if (isRequired)
            {
                Add("missing", at ?? At(name), "Field required", element);
            }

            return null;
        }

        return isNullable && value.ValueKind == JsonValueKind.Null ? null : value;
    }

    public object[] At(string name) => [.. loc, name];

    public object[] At(string name, int index) => [.. loc, name, index];

    public void Add(string type, object[] at, string message, JsonElement input, (string, object)? context = null)
    {
        if (!IsFull)
        {
            faults.Add(SchemaFault.Of(type, at, message, input, context));
        }
    }

    public void AddValueError(object[] at, string message, JsonElement input) => Add("value_error", at, $"Value error, {message}", input);

    private static int CountCharacters(string text) => text.EnumerateRunes().Count();

    private void CheckWord(JsonElement value, object[] at, ReadOnlySpan<string> words)
    {
        if (value.ValueKind == JsonValueKind.String && words.Contains(value.GetString()!))
        {
            return;
        }

        string expected = words.Length == 1
            ? $"'{words[0]}'"
            : $"{string.Join(", ", words[..^1].ToArray().Select(word => $"'{word}'"))} or '{words[^1]}'";
        Add("literal_error", at, $"Input should be {expected}", value, ("expected", expected));
    }
}
