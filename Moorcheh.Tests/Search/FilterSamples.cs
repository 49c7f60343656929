using System.Text.Json;

namespace Moorcheh.Tests.Search;

/// <summary>Random metadata and filters over few keys and difficult values, so that many of them meet.</summary>
internal sealed class FilterSamples(int seed)
{
    private static readonly string Long = new('x', 45);

    private static readonly string[] Scalars =
    [
        "null", "true", "false", "0", "-0", "0.0", "1", "1.0", "10e-1", "-1", "-1.5", "2", "10", "100", "1E2", "0.1", "0.10", "0.01", "-0.1", "12", "12.5", "120",
        "9007199254740993", "9007199254740992", "9007199254740992.5", "-9007199254740993", "1e300", "1e-300", "-1e300", "1e101", "1e99", "123456789012345678901234567890",
        "0." + new string('3', 90), "0." + new string('3', 89) + "4", "-0." + new string('3', 90), "-0." + new string('3', 89) + "4", "-0." + new string('3', 80),
        "\"\"", "\"a\"", "\"A\"", "\"ab\"", "\"b\"", "\"\\u0061\"", "\"2024-01-15\"", "\"2024-02-01T10:00:00Z\"", "\"\\u00e9\"", "\"\\uD83D\\uDE00\"", "\"\\uFFFD\"", "\"\\uE000\"",
        "\"1\"", "\"null\"", Quote(Long), Quote(Long + "a"), Quote(Long + "b"), Quote(Long[..40]), Quote(Long[..39]), Quote(Long[..41]), Quote(Long[..40] + "\u0001"),
    ];

    private static readonly string[] Keys = ["a", "b", "c", "n.x", "n", "n.x.y", "tags", ""];

    private readonly Random _random = new(seed);

    public string Metadata() => Object(3);

    public string Filter() => Filter(4);

    private static string Quote(string text) => JsonSerializer.Serialize(text);

    private T Pick<T>(T[] from) => from[_random.Next(from.Length)];

    private string Many(int most, Func<string> one) => string.Join(',', Enumerable.Range(0, _random.Next(most + 1)).Select(_ => one()));

    private string Object(int depth) => "{" + Many(5, () => $"{Quote(Key())}:{Value(depth)}") + "}";

    private string Key() => _random.Next(4) == 0 ? Pick(["x", "y", "x.y"]) : Pick(Keys);

    private string Value(int depth) => _random.Next(6) switch
    {
        0 when depth > 0 => Object(depth - 1),
        1 when depth > 0 => "[" + Many(4, () => Value(depth - 2)) + "]",
        _ => Pick(Scalars),
    };

    private string Filter(int depth) => _random.Next(depth > 0 ? 8 : 4) switch
    {
        4 => $$"""{"$or":[{{Parts(depth)}}]}""",
        5 => $$"""{"$and":[{{Parts(depth)}}]}""",
        6 => $$"""{"$not":{{Filter(depth - 1)}}}""",
        7 => $$"""{{{Condition()}},"$not":{{Filter(depth - 1)}},{{Condition()}}}""",
        _ => $$"""{{{Condition()}}}""",
    };

    private string Parts(int depth) => string.Join(',', Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Filter(depth - 1)));

    private string Condition() => $"{Quote(_random.Next(6) == 0 ? "n.x.y.z" : Pick(Keys))}:{(_random.Next(4) == 0 ? Pick(Scalars) : Operators(true))}";

    private string Operators(bool mayNegate) =>
        "{" + string.Join(',', Enumerable.Range(0, _random.Next(1, 3)).Select(_ => Operator(mayNegate))) + "}";

    private string Operator(bool mayNegate) => _random.Next(mayNegate ? 8 : 7) switch
    {
        0 => $"\"{Pick(["$eq", "$ne"])}\":{Pick(Scalars)}",
        1 => $"\"{Pick(["$in", "$nin"])}\":[{Many(4, () => Pick(Scalars))}]",
        2 => $"\"$exists\":{Pick(["true", "false"])}",
        7 => $"\"$not\":{Operators(false)}",
        _ => $"\"{Pick(["$gt", "$gte", "$lt", "$lte"])}\":{Pick([.. Scalars.Where(scalar => scalar[0] is '"' or '-' or (>= '0' and <= '9'))])}",
    };
}
