using System.Text.Json;
using Moorcheh.Filters;

namespace Moorcheh;

/// <summary>
/// A condition on the metadata of items, in the notation known from MongoDB, Pinecone and Chroma:
/// <c>{"year":{"$gte":2020},"team":{"$in":["a","b"]}}</c>; docs/search.md has its meaning. Numbers compare by value, strings ordinally; a
/// condition on an array holds when it holds for any of its elements; a key that an item lacks meets no condition, and so does meet
/// <see cref="NotEqual"/>, <see cref="NotIn"/> and <see cref="Not"/>. Immutable and safe for use from several threads. Equality is by
/// value: same conditions in the same order.
/// </summary>
public sealed class Filter : IEquatable<Filter>
{
    /// <summary>Most conditions and operators that join them.</summary>
    public const int MaxNodes = 256;

    /// <summary>Deepest nesting; a single condition has one level.</summary>
    public const int MaxLevels = 16;

    /// <summary>Most values of an <see cref="In"/> or <see cref="NotIn"/>.</summary>
    public const int MaxListValues = 1000;

    private Filter(FilterNode node)
    {
        Node = node;
    }

    /// <summary>True for <c>{}</c>, which every item passes.</summary>
    public bool IsEmpty => Node is { Operator: FilterOperator.And, Children.Length: 0 };

    internal FilterNode Node { get; }

    /// <summary>Equality by value.</summary>
    public static bool operator ==(Filter? left, Filter? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Inequality by value.</summary>
    public static bool operator !=(Filter? left, Filter? right) => !(left == right);

    /// <summary>Reads the notation.</summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.InvalidFilter"/>: the message names the operator and the place.</exception>
    public static Filter Parse(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 1000 });
        return FromElement(document.RootElement);
    }

    /// <summary>Reads the notation.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.InvalidFilter"/>: the message names the operator and the place.</exception>
    public static Filter FromElement(JsonElement element) => new(FilterParser.Parse(element));

    /// <summary>The key has this value.</summary>
    /// <param name="key">A key of the metadata; where there is none of this name, dots lead into nested objects.</param>
    /// <param name="value">The value.</param>
    public static Filter Equal(string key, FilterValue value) => On(key, FilterOperator.In, value);

    /// <summary>The key has another value, or is not there.</summary>
    /// <inheritdoc cref="Equal"/>
    public static Filter NotEqual(string key, FilterValue value) => Not(Equal(key, value));

    /// <summary>The key has one of these values.</summary>
    /// <param name="key">As for <see cref="Equal"/>.</param>
    /// <param name="values">Up to <see cref="MaxListValues"/>; with none, no item passes.</param>
    public static Filter In(string key, params FilterValue[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        FilterParser.CheckList(values.Length, key);
        return On(key, FilterOperator.In, values);
    }

    /// <summary>The key has none of these values, or is not there.</summary>
    /// <inheritdoc cref="In"/>
    public static Filter NotIn(string key, params FilterValue[] values) => Not(In(key, values));

    /// <summary>The key has a value of the same kind that is greater.</summary>
    /// <param name="key">As for <see cref="Equal"/>.</param>
    /// <param name="value">A number or a string.</param>
    public static Filter GreaterThan(string key, FilterValue value) => Bound(key, FilterOperator.Greater, value);

    /// <summary>The key has a value of the same kind that is greater or equal.</summary>
    /// <inheritdoc cref="GreaterThan"/>
    public static Filter GreaterThanOrEqual(string key, FilterValue value) => Bound(key, FilterOperator.GreaterOrEqual, value);

    /// <summary>The key has a value of the same kind that is less.</summary>
    /// <inheritdoc cref="GreaterThan"/>
    public static Filter LessThan(string key, FilterValue value) => Bound(key, FilterOperator.Less, value);

    /// <summary>The key has a value of the same kind that is less or equal.</summary>
    /// <inheritdoc cref="GreaterThan"/>
    public static Filter LessThanOrEqual(string key, FilterValue value) => Bound(key, FilterOperator.LessOrEqual, value);

    /// <summary>The key is there, with any value, null included.</summary>
    /// <param name="key">As for <see cref="Equal"/>.</param>
    public static Filter Exists(string key) => On(key, FilterOperator.Exists);

    /// <summary>All of them hold; with none, every item passes.</summary>
    public static Filter And(params Filter[] filters)
    {
        ArgumentNullException.ThrowIfNull(filters);
        return new(FilterParser.Check(FilterNode.And([.. filters.Select(filter => filter.Node)])));
    }

    /// <summary>At least one of them holds.</summary>
    /// <param name="filters">At least one.</param>
    public static Filter Or(params Filter[] filters)
    {
        ArgumentNullException.ThrowIfNull(filters);
        ArgumentOutOfRangeException.ThrowIfZero(filters.Length);
        return new(FilterParser.Check(FilterNode.Or([.. filters.Select(filter => filter.Node)])));
    }

    /// <summary>It does not hold.</summary>
    public static Filter Not(Filter filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return new(FilterParser.Check(FilterNode.Not(filter.Node)));
    }

    /// <summary>True when an item with this metadata passes.</summary>
    public bool Matches(ItemMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        return Node.Matches(metadata.ToElement());
    }

    /// <inheritdoc/>
    public bool Equals(Filter? other) => other is not null && Node.Equals(other.Node);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Filter);

    /// <inheritdoc/>
    public override int GetHashCode() => Node.GetHashCode();

    /// <summary>The filter in the notation; reading it gives an equal one.</summary>
    public override string ToString() => ItemMetadata.Write(Node.Write).ToString();

    private static Filter On(string key, FilterOperator @operator, params FilterValue[] values)
    {
        ArgumentNullException.ThrowIfNull(key);
        FilterParser.CheckKey(key);
        return new(FilterNode.On(key, @operator, values));
    }

    private static Filter Bound(string key, FilterOperator @operator, FilterValue value) => value.IsOrdered
        ? On(key, @operator, value)
        : throw FilterParser.Invalid($"Filter at '{key}' needs a number or a string to order by, not {value}.");
}
