using System.Text;
using System.Text.Json;
using Moorcheh.Index.Postings;
using Moorcheh.Items;

namespace Moorcheh.Filters;

/// <summary>A condition on a key, or what joins others. Immutable; equality is by value, in the order written.</summary>
internal sealed class FilterNode : IEquatable<FilterNode>
{
    private FilterNode(FilterOperator @operator, string key, FilterValue[] values, FilterNode[] children)
    {
        Operator = @operator;
        Key = key;
        Values = values;
        Children = children;
        Nodes = 1 + children.Sum(child => child.Nodes);
        Levels = 1 + children.Select(child => child.Levels).DefaultIfEmpty().Max();
        Path = Encoding.UTF8.GetBytes(key);
        Ranges = FilterRanges.Of(@operator, values);
    }

    /// <summary>A filter that every item passes.</summary>
    public static FilterNode Everything { get; } = new(FilterOperator.And, string.Empty, [], []);

    public FilterOperator Operator { get; }

    /// <summary>Of a condition: the key.</summary>
    public string Key { get; }

    /// <summary>The key in UTF-8.</summary>
    public byte[] Path { get; }

    /// <summary>Of a condition: what it compares with, distinct and in order of their keys.</summary>
    public FilterValue[] Values { get; }

    /// <summary>Of a condition: the keys of the values that meet it.</summary>
    public FilterRanges Ranges { get; }

    /// <summary>Of what joins: the parts.</summary>
    public FilterNode[] Children { get; }

    /// <summary>Conditions and what joins them, this one included.</summary>
    public int Nodes { get; }

    /// <summary>Levels, this one included.</summary>
    public int Levels { get; }

    /// <summary>A condition.</summary>
    public static FilterNode On(string key, FilterOperator @operator, params FilterValue[] values)
    {
        FilterValue[] sorted = [.. values.Distinct()];
        Array.Sort(sorted, static (x, y) => x.Key.AsSpan().SequenceCompareTo(y.Key));
        return new(@operator, key, sorted, []);
    }

    /// <summary>Parts that must all hold; one alone needs no join.</summary>
    public static FilterNode And(FilterNode[] parts) => parts.Length == 1 ? parts[0] : new(FilterOperator.And, string.Empty, [], parts);

    /// <summary>Parts of which one must hold.</summary>
    public static FilterNode Or(FilterNode[] parts) => parts.Length == 1 ? parts[0] : new(FilterOperator.Or, string.Empty, [], parts);

    /// <summary>What must not hold.</summary>
    public static FilterNode Not(FilterNode part) => new(FilterOperator.Not, string.Empty, [], [part]);

    public bool Equals(FilterNode? other) =>
        other is not null
        && Operator == other.Operator
        && Key == other.Key
        && Values.AsSpan().SequenceEqual(other.Values)
        && Children.AsSpan().SequenceEqual(other.Children);

    public override bool Equals(object? obj) => Equals(obj as FilterNode);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Operator);
        hash.Add(Key, StringComparer.Ordinal);
        Array.ForEach(Values, value => hash.Add(value));
        Array.ForEach(Children, child => hash.Add(child));
        return hash.ToHashCode();
    }

    /// <summary>What the filter means: whether metadata pass it. Everything else has to agree with this.</summary>
    public bool Matches(JsonElement metadata) => Operator switch
    {
        FilterOperator.And => Array.TrueForAll(Children, child => child.Matches(metadata)),
        FilterOperator.Or => Array.Exists(Children, child => child.Matches(metadata)),
        FilterOperator.Not => !Children[0].Matches(metadata),
        _ => JsonPath.TryFind(metadata, Key, out JsonElement found)
            && (Operator == FilterOperator.Exists
                || (found.ValueKind == JsonValueKind.Array ? found.EnumerateArray().Any(Holds) : Holds(found))),
    };

    /// <summary>True when an item passes.</summary>
    /// <param name="record">Body of its <see cref="ItemRecord"/>.</param>
    public bool Matches(ReadOnlySpan<byte> record)
    {
        var reader = new Utf8JsonReader(ItemRecord.Parse(record).Metadata, new JsonReaderOptions { MaxDepth = 1000 });
        return Matches(JsonElement.ParseValue(ref reader));
    }

    /// <summary>Writes it in the notation, such that parsing it gives an equal one.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        switch (Operator)
        {
            case FilterOperator.And when Children.Length == 0:
                break;
            case FilterOperator.And:
            case FilterOperator.Or:
                writer.WriteStartArray(Operator == FilterOperator.And ? "$and"u8 : "$or"u8);
                Array.ForEach(Children, child => child.Write(writer));
                writer.WriteEndArray();
                break;
            case FilterOperator.Not:
                writer.WritePropertyName("$not"u8);
                Children[0].Write(writer);
                break;
            default:
                writer.WriteStartObject(Key);
                WriteCondition(writer);
                writer.WriteEndObject();
                break;
        }

        writer.WriteEndObject();
    }

    private void WriteCondition(Utf8JsonWriter writer)
    {
        if (Operator == FilterOperator.Exists)
        {
            writer.WriteBoolean("$exists"u8, true);
        }
        else if (Operator == FilterOperator.In)
        {
            writer.WriteStartArray("$in"u8);
            Array.ForEach(Values, value => writer.WriteRawValue(value.ToString()));
            writer.WriteEndArray();
        }
        else
        {
            writer.WritePropertyName(Operator switch
            {
                FilterOperator.Less => "$lt",
                FilterOperator.LessOrEqual => "$lte",
                FilterOperator.Greater => "$gt",
                _ => "$gte",
            });
            writer.WriteRawValue(Values[0].ToString());
        }
    }

    private bool Holds(JsonElement value)
    {
        if (value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
        {
            return false;
        }

        byte[] key = ValueKey.Of(value);
        if (Operator == FilterOperator.In)
        {
            return Array.Exists(Values, wanted => wanted.Key.AsSpan().SequenceEqual(key));
        }

        byte[] bound = Values[0].Key;
        if ((key[0] == ValueKey.String) != (bound[0] == ValueKey.String) || key[0] < ValueKey.Negative)
        {
            return false;
        }

        int order = key.AsSpan().SequenceCompareTo(bound);
        return Operator switch
        {
            FilterOperator.Less => order < 0,
            FilterOperator.LessOrEqual => order <= 0,
            FilterOperator.Greater => order > 0,
            _ => order >= 0,
        };
    }
}
