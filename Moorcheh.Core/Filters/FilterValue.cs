using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Moorcheh.Index.Postings;
using Moorcheh.Json;

namespace Moorcheh;

/// <summary>
/// A value that a <see cref="Filter"/> compares with: null, a boolean, a number or a string. Numbers are equal by value, however they are
/// written; strings ordinally. Immutable; the default is null.
/// </summary>
public readonly struct FilterValue : IEquatable<FilterValue>
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = MinimalJsonEncoder.Instance };

    private readonly byte[]? _key;
    private readonly string? _json;

    private FilterValue(byte[] key, string json)
    {
        _key = key;
        _json = json;
    }

    internal static byte[] NullKey { get; } = [ValueKey.Null];

    /// <summary>The <see cref="ValueKey"/>, whole.</summary>
    internal byte[] Key => _key ?? NullKey;

    internal bool IsOrdered => Key[0] is ValueKey.Negative or ValueKey.Zero or ValueKey.Positive or ValueKey.String;

    /// <summary>A string.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.InvalidFilter"/>: it has a lone surrogate.</exception>
    public static implicit operator FilterValue(string? value) => FromString(value);

    /// <summary>A boolean.</summary>
    public static implicit operator FilterValue(bool value) => Parse(value ? "true" : "false");

    /// <summary>An integer.</summary>
    public static implicit operator FilterValue(long value) => Parse(value.ToString(CultureInfo.InvariantCulture));

    /// <summary>A number, as its shortest text says: <c>0.1</c> is a tenth.</summary>
    /// <exception cref="ArgumentException">It is not finite.</exception>
    public static implicit operator FilterValue(double value) => FromDouble(value);

    /// <summary>A number.</summary>
    public static implicit operator FilterValue(decimal value) => Parse(value.ToString(CultureInfo.InvariantCulture));

    /// <summary>An integer of any size.</summary>
    public static implicit operator FilterValue(BigInteger value) => Parse(value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Equality by value.</summary>
    public static bool operator ==(FilterValue left, FilterValue right) => left.Equals(right);

    /// <summary>Inequality by value.</summary>
    public static bool operator !=(FilterValue left, FilterValue right) => !left.Equals(right);

    /// <summary>A string; null is the value null.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.InvalidFilter"/>: it has a lone surrogate.</exception>
    public static FilterValue FromString(string? value)
    {
        if (value is null)
        {
            return default;
        }

        return ItemRules.IsUnicode(value)
            ? FromElement(JsonSerializer.SerializeToElement(value, Plain))
            : throw new MoorchehException(ErrorCodes.InvalidFilter, "A string of the filter is not valid Unicode: it has a lone surrogate.");
    }

    /// <summary>A number, as its shortest text says.</summary>
    /// <exception cref="ArgumentException">It is not finite.</exception>
    public static FilterValue FromDouble(double value) => double.IsFinite(value)
        ? Parse(value.ToString("R", CultureInfo.InvariantCulture))
        : throw new ArgumentException($"A filter compares with finite numbers, not with {value}.", nameof(value));

    /// <summary>A JSON value.</summary>
    /// <exception cref="ArgumentException">It is an array or an object.</exception>
    public static FilterValue FromElement(JsonElement element)
    {
        if (element.ValueKind is JsonValueKind.Array or JsonValueKind.Object or JsonValueKind.Undefined)
        {
            throw new ArgumentException($"A filter compares with null, booleans, numbers and strings, not with {element.ValueKind}.", nameof(element));
        }

        string json = element.ValueKind == JsonValueKind.String ? JsonSerializer.Serialize(element.GetString(), Plain) : element.GetRawText();
        return new FilterValue(ValueKey.Of(element), json);
    }

    /// <inheritdoc/>
    public bool Equals(FilterValue other) => Key.AsSpan().SequenceEqual(other.Key);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is FilterValue other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(Key);
        return hash.ToHashCode();
    }

    /// <summary>The value as JSON.</summary>
    public override string ToString() => _json ?? "null";

    private static FilterValue Parse(string json)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        return FromElement(JsonElement.ParseValue(ref reader));
    }
}
