using System.Numerics;
using Moorcheh.Filters;
using Moorcheh.Index;
using Moorcheh.Index.Postings;
using Moorcheh.Storage;

namespace Moorcheh.Tests.Search;

/// <summary>The notation of filters, and what they mean: to metadata, and to the sorted values of a segment.</summary>
internal sealed class FilterTests
{
    [TestCase("""{"year":{"$gte":2020,"$lt":2024}}""", """{"year":2020}""", true)]
    [TestCase("""{"year":{"$gte":2020,"$lt":2024}}""", """{"year":2024}""", false)]
    [TestCase("""{"year":{"$gte":2020}}""", """{"year":"2021"}""", false)]
    [TestCase("""{"tags":"a"}""", """{"tags":["b","a"]}""", true)]
    [TestCase("""{"tags":{"$ne":"a"}}""", """{"tags":["b","a"]}""", false)]
    [TestCase("""{"tags":{"$nin":["a"]}}""", """{}""", true)]
    [TestCase("""{"tags":{"$ne":null}}""", """{}""", true)]
    [TestCase("""{"tags":null}""", """{}""", false)]
    [TestCase("""{"a.b":1}""", """{"a":{"b":1}}""", true)]
    [TestCase("""{"a.b":1}""", """{"a":{"b":1},"a.b":2}""", false)]
    [TestCase("""{"a.b":1}""", """{"a":[{"b":1}]}""", false)]
    [TestCase("""{"a":{"$exists":true}}""", """{"a":{}}""", true)]
    [TestCase("""{"a":{"$exists":false}}""", """{"a":null}""", false)]
    [TestCase("""{"day":{"$gte":"2024-01-01","$lt":"2024-02-01"}}""", """{"day":"2024-01-31T23:59:59Z"}""", true)]
    [TestCase("""{"n":{"$gt":9007199254740992}}""", """{"n":9007199254740993}""", true)]
    [TestCase("{}", """{"a":1}""", true)]
    public void Matches_Examples(string filter, string metadata, bool expected)
    {
        Assert.That(Filter.Parse(filter).Matches(ItemMetadata.Parse(metadata)), Is.EqualTo(expected));
        Assert.That(FilterOracle.Matches(filter, metadata), Is.EqualTo(expected));
    }

    [Test]
    public void Random_MatchesAndSegmentsEqualOracle()
    {
        var samples = new FilterSamples(1);
        string[] items = [.. Enumerable.Range(0, 700).Select(_ => samples.Metadata())];
        var values = new SegmentValues();
        for (int slot = 0; slot < items.Length; slot++)
        {
            values.Add(slot, ItemMetadata.Parse(items[slot]).Utf8Json.Span);
        }

        int[] moved = [.. Enumerable.Range(0, items.Length).Select(slot => slot % 3 == 0 ? -1 : slot - (slot / 3) - 1)];
        string[] kept = [.. items.Where((_, slot) => slot % 3 != 0)];
        ValueRun packed = values.View().Pack();
        (ValueView View, string[] Items)[] forms =
        [
            (values.View(), items),
            (new ValueView([packed], [], 0), items),
            (new ValueView([ReadBack(packed, items.Length)], [], 0), items),
            (new ValueView([packed.Move(moved)], [], 0), kept),
        ];
        int open = 0;
        for (int i = 0; i < 400; i++)
        {
            string text = samples.Filter();
            var filter = Filter.Parse(text);
            Assert.That(Filter.Parse(filter.ToString()), Is.EqualTo(filter), text);
            bool[] expected = [.. items.Select(item => FilterOracle.Matches(text, item))];
            for (int item = 0; item < items.Length; item += 7)
            {
                Assert.That(filter.Matches(ItemMetadata.Parse(items[item])), Is.EqualTo(expected[item]), $"{text} {items[item]}");
            }

            foreach ((ValueView view, string[] of) in forms)
            {
                bool[] wanted = of == items ? expected : [.. expected.Where((_, slot) => slot % 3 != 0)];
                using var bits = FilterBits.Of(filter.Node, ViewOf(view, of.Length));
                for (int slot = 0; slot < of.Length; slot++)
                {
                    bool yes = (bits.Yes[slot / 64] >> slot & 1) != 0;
                    bool maybe = (bits.Maybe[slot / 64] >> slot & 1) != 0;
                    open += maybe ? 1 : 0;
                    Assert.That(maybe || yes == wanted[slot], Is.True, $"{text} {of[slot]}");
                    Assert.That(yes && maybe, Is.False);
                }
            }
        }

        // Only values that agree in 40 bytes leave a question.
        Assert.That(open, Is.Positive.And.LessThan(400 * items.Length / 20));
    }

    [Test]
    public void Overfull_Items_AreAskedAndFound()
    {
        string many = "{\"n\":[" + string.Join(',', Enumerable.Range(0, ItemValues.MaxValues + 1)) + "],\"a\":1}";
        string wide = "{" + string.Join(',', Enumerable.Range(0, 200).Select(i => $"\"{new string('k', 60)}{i}\":{i}")) + "}";
        var values = new SegmentValues();
        values.Add(0, ItemMetadata.Parse(many).Utf8Json.Span);
        values.Add(1, ItemMetadata.Parse(wide).Utf8Json.Span);
        values.Add(2, "{\"a\":2}"u8);
        foreach (ValueView view in new[] { values.View(), new ValueView([values.View().Pack()], [], 0) })
        {
            using var bits = FilterBits.Of(Filter.Parse("""{"a":{"$ne":1}}""").Node, ViewOf(view, 3));
            Assert.That(bits.Yes[0] & 7, Is.EqualTo(4));
            Assert.That(bits.Maybe[0] & 7, Is.EqualTo(3));
        }
    }

    [Test]
    public void Builders_EqualTheNotation()
    {
        var filter = Filter.And(
            Filter.GreaterThanOrEqual("year", 2020),
            Filter.LessThan("year", 2024.5),
            Filter.In("team", "a", "b", "a"),
            Filter.Or(Filter.Equal("x", 1.50m), Filter.NotEqual("y", true)),
            Filter.Not(Filter.Exists("z")),
            Filter.NotIn("big", BigInteger.Pow(10, 40)));
        var parsed = Filter.Parse("""
            {"year":{"$gte":2.02e3,"$lt":2024.50},"team":{"$in":["b","a"]},"$or":[{"x":1.5},{"y":{"$ne":true}}],
             "z":{"$exists":false},"big":{"$nin":[10000000000000000000000000000000000000000]}}
            """);

        // The same conditions, but the parser joins the two on a key first.
        string json = """{"year":2021,"team":"b","x":1.500}""";
        Assert.That(filter.Matches(ItemMetadata.Parse(json)), Is.True);
        Assert.That(parsed.Matches(ItemMetadata.Parse(json)), Is.True);
        Assert.That(Filter.Equal("a", 1), Is.EqualTo(Filter.Parse("""{"a":1.0}""")).And.EqualTo(Filter.In("a", 10e-1m)));
        Assert.That(Filter.Equal("a", 1).GetHashCode(), Is.EqualTo(Filter.Parse("""{"a":1.0}""").GetHashCode()));
        Assert.That(Filter.Equal("a", 1) == Filter.Equal("a", "1"), Is.False);
        Assert.That(Filter.Parse("{}").IsEmpty, Is.True);
        Assert.That(Assert.Throws<MoorchehException>(() => Filter.LessThan("a", true))!.Message, Does.Contain("'a'").And.Contain("true"));
        Assert.That(Assert.Throws<MoorchehException>(() => Filter.Equal("a", "\uD800"))!.Code, Is.EqualTo(ErrorCodes.InvalidFilter));
        Assert.That(Assert.Throws<MoorchehException>(() => Filter.Equal("\uD800", 1))!.Code, Is.EqualTo(ErrorCodes.InvalidFilter));
        Assert.Throws<ArgumentException>(() => Filter.Equal("a", double.NaN));
    }

    [TestCase("[]", "Filter must be an object, not an array.")]
    [TestCase("""{"a":[1]}""", "'a' needs a value or an object of operators, not an array")]
    [TestCase("""{"a":{}}""", "'a' has no operator")]
    [TestCase("""{"a":{"$regex":"x"}}""", "'$regex' at 'a.$regex' is unknown")]
    [TestCase("""{"$nor":[]}""", "'$nor' at '$nor' is unknown")]
    [TestCase("""{"$or":[]}""", "'$or' must not be an empty array")]
    [TestCase("""{"$or":{"a":1}}""", "'$or' needs an array of objects, not an object")]
    [TestCase("""{"$or":[{"a":1},{"b":{"$gt":null}}]}""", "'$or[1].b.$gt' needs a number or a string, not null")]
    [TestCase("""{"a":{"$in":5}}""", "'a.$in' needs an array of values, not a number")]
    [TestCase("""{"a":{"$in":[1,{}]}}""", "'a.$in[1]' needs null, a boolean, a number or a string, not an object")]
    [TestCase("""{"a":{"$exists":1}}""", "'a.$exists' needs true or false, not a number")]
    [TestCase("""{"a":{"b":1}}""", "'b' at 'a.b' is unknown")]
    [TestCase("""{"a":{"$eq":"\ud800"}}""", "'a.$eq'")]
    public void Parse_Wrong_NamesTheOperatorAndThePlace(string json, string expected)
    {
        MoorchehException thrown = Assert.Throws<MoorchehException>(() => Filter.Parse(json))!;
        Assert.That(thrown.Message, Does.Contain(expected));
        Assert.That(thrown.Code, Is.EqualTo(ErrorCodes.InvalidFilter));
    }

    [Test]
    public void Parse_TooLarge_NamesBothNumbers()
    {
        string Or(int count) => "{\"$or\":[" + string.Join(',', Enumerable.Range(0, count).Select(i => $"{{\"a\":{i}}}")) + "]}";
        string Deep(int levels) => string.Concat(Enumerable.Repeat("{\"$not\":", levels - 1)) + "{\"a\":1}" + new string('}', levels - 1);
        string List(int count) => "{\"a\":{\"$in\":[" + string.Join(',', Enumerable.Range(0, count)) + "]}}";
        Assert.DoesNotThrow(() => Filter.Parse(Or(Filter.MaxNodes - 1)));
        Assert.That(MessageOf(Or(Filter.MaxNodes)), Does.Contain("257").And.Contain("256"));
        Assert.DoesNotThrow(() => Filter.Parse(Deep(Filter.MaxLevels)));
        Assert.That(MessageOf(Deep(Filter.MaxLevels + 1)), Does.Contain("17").And.Contain("16"));
        Assert.That(MessageOf(Deep(300)), Does.Contain("16"));
        Assert.DoesNotThrow(() => Filter.Parse(List(Filter.MaxListValues)));
        Assert.That(MessageOf(List(Filter.MaxListValues + 1)), Does.Contain("1001").And.Contain("1000"));
    }

    private static string MessageOf(string json) => Assert.Throws<MoorchehException>(() => Filter.Parse(json))!.Message;

    private static ValueRun ReadBack(ValueRun run, int slots)
    {
        var writer = new ByteWriter();
        run.Write(writer);
        var reader = new ByteReader(writer.Written);
        return ValueRun.Read(ref reader, slots)!;
    }

    private static SegmentView ViewOf(ValueView values, int count) =>
        new(null!, count, count, [], [], [], null!, new SegmentPostings().View(), values, 0, [], [], []);
}
