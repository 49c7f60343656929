using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Moorcheh.Tests.Search;

/// <summary>The meaning of the filter notation, read off the JSON of both sides, with integers of any size for numbers.</summary>
internal static class FilterOracle
{
    public static bool Matches(string filter, string metadata)
    {
        using var wanted = JsonDocument.Parse(filter);
        using var item = JsonDocument.Parse(metadata);
        return All(wanted.RootElement, item.RootElement);
    }

    private static bool All(JsonElement filter, JsonElement item) => filter.EnumerateObject().All(part => part.Name switch
    {
        "$and" => part.Value.EnumerateArray().All(one => All(one, item)),
        "$or" => part.Value.EnumerateArray().Any(one => All(one, item)),
        "$not" => !All(part.Value, item),
        _ => Key(Resolve(item, part.Name), part.Value),
    });

    private static JsonElement? Resolve(JsonElement item, string key)
    {
        if (item.TryGetProperty(key, out JsonElement whole))
        {
            return whole;
        }

        string[] names = key.Split('.', 2);
        return names.Length == 2 && item.TryGetProperty(names[0], out JsonElement part) && part.ValueKind == JsonValueKind.Object
            ? Resolve(part, names[1])
            : null;
    }

    private static bool Key(JsonElement? found, JsonElement condition) => condition.ValueKind == JsonValueKind.Object
        ? condition.EnumerateObject().All(part => Operator(found, part.Name, part.Value))
        : Operator(found, "$eq", condition);

    private static bool Operator(JsonElement? found, string name, JsonElement operand) => name switch
    {
        "$eq" => Any(found, value => Same(value, operand)),
        "$ne" => !Operator(found, "$eq", operand),
        "$in" => Any(found, value => operand.EnumerateArray().Any(one => Same(value, one))),
        "$nin" => !Operator(found, "$in", operand),
        "$exists" => found.HasValue == operand.GetBoolean(),
        "$not" => !Key(found, operand),
        "$gt" => Any(found, value => Order(value, operand) > 0),
        "$gte" => Any(found, value => Order(value, operand) >= 0),
        "$lt" => Any(found, value => Order(value, operand) < 0),
        "$lte" => Any(found, value => Order(value, operand) <= 0),
        _ => throw new ArgumentException(name),
    };

    private static bool Any(JsonElement? found, Func<JsonElement, bool> holds) =>
        found is { } value && (value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().Any(holds) : holds(value));

    private static bool Same(JsonElement x, JsonElement y) => x.ValueKind == y.ValueKind && x.ValueKind switch
    {
        JsonValueKind.Number or JsonValueKind.String => Order(x, y) == 0,
        JsonValueKind.Object or JsonValueKind.Array => false,
        _ => true,
    };

    private static int? Order(JsonElement x, JsonElement y) => (x.ValueKind, y.ValueKind) switch
    {
        (JsonValueKind.String, JsonValueKind.String) => string.CompareOrdinal(x.GetString(), y.GetString()),
        (JsonValueKind.Number, JsonValueKind.Number) => Compare(Number(x.GetRawText()), Number(y.GetRawText())),
        _ => null,
    };

    private static int Compare((BigInteger Digits, int Exponent) x, (BigInteger Digits, int Exponent) y)
    {
        int least = Math.Min(x.Exponent, y.Exponent);
        return (x.Digits * BigInteger.Pow(10, x.Exponent - least)).CompareTo(y.Digits * BigInteger.Pow(10, y.Exponent - least));
    }

    private static (BigInteger Digits, int Exponent) Number(string json)
    {
        string[] parts = json.ToUpperInvariant().Split('E');
        string[] mantissa = parts[0].Split('.');
        string fraction = mantissa.Length > 1 ? mantissa[1] : string.Empty;
        int exponent = parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0;
        return (BigInteger.Parse(mantissa[0] + fraction, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture), exponent - fraction.Length);
    }
}
