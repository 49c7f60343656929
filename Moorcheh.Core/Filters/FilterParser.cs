using System.Text.Json;

namespace Moorcheh.Filters;

/// <summary>Reads the notation of filters. The first mistake is thrown, with its place.</summary>
internal static class FilterParser
{
    private const string Operators = "$eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists or $not";
    private const string Joins = "$and, $or or $not";
    private const int MaxShown = 100;

    public static FilterNode Parse(JsonElement root)
    {
        // So deep that more of it could not be a filter; the parser goes down as deep.
        FilterNode node = ReadObject(root, string.Empty, 1);
        return Check(node);
    }

    /// <summary>Throws when a filter is larger than it may be.</summary>
    public static FilterNode Check(FilterNode node)
    {
        if (node.Levels > Filter.MaxLevels)
        {
            throw TooDeep(node.Levels);
        }

        return node.Nodes <= Filter.MaxNodes
            ? node
            : throw Invalid($"Filter has {node.Nodes} conditions and operators; the limit is {Filter.MaxNodes}.");
    }

    /// <summary>Throws when a list of values is longer than it may be.</summary>
    public static void CheckList(int count, string place)
    {
        if (count > Filter.MaxListValues)
        {
            throw Invalid($"Filter at '{place}' has {count} values; the limit is {Filter.MaxListValues}.");
        }
    }

    /// <summary>Throws when a key cannot be one of metadata.</summary>
    public static void CheckKey(string key)
    {
        if (!ItemRules.IsUnicode(key))
        {
            throw Invalid("A key of the filter is not valid Unicode: it has a lone surrogate.");
        }

        if (key.StartsWith('$'))
        {
            throw Invalid($"A key of the filter must not begin with '$', as '{key}' does: it would be an operator.");
        }
    }

    public static MoorchehException Invalid(string message) => new(ErrorCodes.InvalidFilter, message);

    private static MoorchehException TooDeep(int levels) => Invalid($"Filter is {levels} levels deep; the limit is {Filter.MaxLevels}.");

    private static FilterNode ReadObject(JsonElement element, string place, int level)
    {
        if (level > Filter.MaxLevels)
        {
            throw TooDeep(level);
        }

        if (element.ValueKind != JsonValueKind.Object)
        {
            throw WrongType(place, "an object", element);
        }

        List<FilterNode> parts = [];
        foreach (JsonProperty property in element.EnumerateObject())
        {
            string name = NameOf(property, place);
            string at = Join(place, name);
            parts.Add(name switch
            {
                "$and" => FilterNode.And(ReadParts(property.Value, at, level)),
                "$or" => FilterNode.Or(ReadParts(property.Value, at, level)),
                "$not" => FilterNode.Not(ReadObject(property.Value, at, level + 1)),
                ['$', ..] => throw Invalid($"Filter operator '{Shown(name)}' at '{at}' is unknown or stands where a key or {Joins} must stand."),
                _ => ReadConditions(name, property.Value, at, level),
            });
        }

        return parts.Count == 0 ? FilterNode.Everything : FilterNode.And([.. parts]);
    }

    private static FilterNode[] ReadParts(JsonElement element, string place, int level)
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            throw WrongType(place, "an array of objects", element);
        }

        if (element.GetArrayLength() == 0)
        {
            throw Invalid($"Filter at '{place}' must not be an empty array.");
        }

        return [.. element.EnumerateArray().Select((part, i) => ReadObject(part, $"{place}[{i}]", level + 1))];
    }

    /// <summary>Reads what stands at a key: a value, or operators with theirs.</summary>
    private static FilterNode ReadConditions(string key, JsonElement element, string place, int level)
    {
        if (level > Filter.MaxLevels)
        {
            throw TooDeep(level);
        }

        if (element.ValueKind == JsonValueKind.Array)
        {
            throw Invalid($"Filter at '{place}' needs a value or an object of operators, not an array; '$in' takes an array.");
        }

        if (element.ValueKind != JsonValueKind.Object)
        {
            return FilterNode.On(key, FilterOperator.In, ReadValue(element, place));
        }

        List<FilterNode> parts = [];
        foreach (JsonProperty property in element.EnumerateObject())
        {
            string name = NameOf(property, place);
            parts.Add(ReadCondition(key, name, property.Value, Join(place, name), level));
        }

        return parts.Count == 0 ? throw Invalid($"Filter at '{place}' has no operator; it must have one of {Operators}.") : FilterNode.And([.. parts]);
    }

    private static FilterNode ReadCondition(string key, string name, JsonElement value, string place, int level) => name switch
    {
        "$eq" => FilterNode.On(key, FilterOperator.In, ReadValue(value, place)),
        "$ne" => FilterNode.Not(FilterNode.On(key, FilterOperator.In, ReadValue(value, place))),
        "$in" => FilterNode.On(key, FilterOperator.In, ReadList(value, place)),
        "$nin" => FilterNode.Not(FilterNode.On(key, FilterOperator.In, ReadList(value, place))),
        "$gt" => FilterNode.On(key, FilterOperator.Greater, ReadBound(value, place)),
        "$gte" => FilterNode.On(key, FilterOperator.GreaterOrEqual, ReadBound(value, place)),
        "$lt" => FilterNode.On(key, FilterOperator.Less, ReadBound(value, place)),
        "$lte" => FilterNode.On(key, FilterOperator.LessOrEqual, ReadBound(value, place)),
        "$exists" => ReadExists(key, value, place),
        "$not" when value.ValueKind != JsonValueKind.Object => throw WrongType(place, "an object of operators", value),
        "$not" => FilterNode.Not(ReadConditions(key, value, place, level + 1)),
        _ => throw Invalid($"Filter operator '{Shown(name)}' at '{place}' is unknown; it must be one of {Operators}."),
    };

    private static FilterNode ReadExists(string key, JsonElement value, string place)
    {
        FilterNode exists = FilterNode.On(key, FilterOperator.Exists);
        return value.ValueKind switch
        {
            JsonValueKind.True => exists,
            JsonValueKind.False => FilterNode.Not(exists),
            _ => throw WrongType(place, "true or false", value),
        };
    }

    private static FilterValue[] ReadList(JsonElement element, string place)
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            throw WrongType(place, "an array of values", element);
        }

        CheckList(element.GetArrayLength(), place);
        return [.. element.EnumerateArray().Select((value, i) => ReadValue(value, $"{place}[{i}]"))];
    }

    private static FilterValue ReadBound(JsonElement element, string place) =>
        element.ValueKind is JsonValueKind.Number or JsonValueKind.String
            ? ReadValue(element, place)
            : throw WrongType(place, "a number or a string", element);

    private static FilterValue ReadValue(JsonElement element, string place)
    {
        if (element.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
        {
            throw WrongType(place, "null, a boolean, a number or a string", element);
        }

        try
        {
            return FilterValue.FromElement(element);
        }
        catch (InvalidOperationException)
        {
            throw Invalid($"The string at '{place}' of the filter is not valid Unicode: it has a lone surrogate.");
        }
    }

    private static string NameOf(JsonProperty property, string place)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw Invalid($"A key at '{place}' of the filter is not valid Unicode: it has a lone surrogate.");
        }
    }

    private static MoorchehException WrongType(string place, string needed, JsonElement found)
    {
        string kind = found.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "an array",
            JsonValueKind.String => "a string",
            JsonValueKind.Number => "a number",
            JsonValueKind.Null => "null",
            _ => "a boolean",
        };
        return Invalid(place.Length == 0 ? $"Filter must be {needed}, not {kind}." : $"Filter at '{place}' needs {needed}, not {kind}.");
    }

    private static string Join(string place, string name) => place.Length == 0 ? Shown(name) : $"{place}.{Shown(name)}";

    private static string Shown(string name) => name.Length <= MaxShown ? name : string.Concat(name.AsSpan(0, MaxShown), "...");
}
