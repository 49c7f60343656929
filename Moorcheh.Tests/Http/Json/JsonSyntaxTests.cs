using System.Text;
using System.Text.Json;
using Moorcheh.Http.Json;

namespace Moorcheh.Tests.Http.Json;

/// <summary>What counts as JSON, and where the first mistake is.</summary>
public class JsonSyntaxTests
{
    [TestCase("""{"a":[1,-2.5e+3,true,false,null,"x"],"b":{}}""")]
    [TestCase(" \t\r\n{ } ")]
    [TestCase("[]")]
    [TestCase("5")]
    [TestCase("""{"a":1,"a":2}""")]
    [TestCase("""{"a":"\ud83d\ude00 \u00e9 \\ud800 \\\\"}""")]
    [TestCase("""{"\ud83d\ude00":1}""")]
    public void Check_ValidJson_Passes(string json) => Assert.That(() => JsonSyntax.Check(Encoding.UTF8.GetBytes(json)), Throws.Nothing);

    [TestCase("""{"vectors":[}""", 1, 13)]
    [TestCase("{\"a\":1,\n \"b\":NaN}", 2, 6)]
    [TestCase("""{"a":Infinity}""", 1, 6)]
    [TestCase("""{"a":-Infinity}""", 1, 7)]
    [TestCase("""{"a":01}""", 1, 7)]
    [TestCase("""{"a":1,}""", 1, 8)]
    [TestCase("""{"a":1} x""", 1, 9)]
    [TestCase("""{"a":1 /* no */}""", 1, 8)]
    [TestCase("""{'a':1}""", 1, 2)]
    [TestCase("""{"a":"\ud800"}""", 1, 7)]
    [TestCase("""{"a":"x\udc00"}""", 1, 8)]
    [TestCase("""{"a":"\ud800\ud800"}""", 1, 7)]
    [TestCase("""{"a":"\ud800\n"}""", 1, 7)]
    [TestCase("""{"a":"\ud800x\udc00"}""", 1, 7)]
    [TestCase("""{"a":"\ud83d\ude00\ud800"}""", 1, 19)]
    [TestCase("""{"\udfff":1}""", 1, 3)]
    public void Check_InvalidJson_NamesLineAndByte(string json, int line, int column) =>
        AssertInvalid(Encoding.UTF8.GetBytes(json), line, column);

    [Test]
    public void Check_InvalidUtf8_NamesItsPlace() => AssertInvalid([.. "{\n\"é\":\""u8, 0xff, .. "\"}"u8], 2, 7);

    [Test]
    public void Check_OverlongAndSurrogateBytes_AreInvalid()
    {
        AssertInvalid([.. "\""u8, 0xc0, 0x80, .. "\""u8], 1, 2);
        AssertInvalid([.. "\""u8, 0xed, 0xa0, 0x80, .. "\""u8], 1, 2);
    }

    [Test]
    public void Check_SyntaxMistakeBeforeInvalidUtf8_NamesTheFirst() => AssertInvalid([.. "{x:\""u8, 0xff, .. "\"}"u8], 1, 2);

    [Test]
    public void Check_Depth_AllowsSixtyFourLevels()
    {
        Assert.That(() => JsonSyntax.Check(Nested(64)), Throws.Nothing);
        AssertInvalid(Nested(65), 1, 65);
    }

    [Test]
    public void Check_FieldSentTwice_FindsTheLast()
    {
        byte[] json = """{"vectors":[1,2],"x":{"vectors":[]},"v\u0065ctors":[[3,[4]],{"a":[5]},6]}"""u8.ToArray();

        FieldPlace? place = JsonSyntax.Check(json, "vectors"u8);

        Assert.That(place, Is.EqualTo(new FieldPlace(JsonValueKind.Array, 51, 3)));
    }

    [TestCase("""{"vectors":null}""", JsonValueKind.Null)]
    [TestCase("""{"vectors":"x"}""", JsonValueKind.String)]
    [TestCase("""{"vectors":{"a":[1]}}""", JsonValueKind.Object)]
    [TestCase("""{"vectors":[]}""", JsonValueKind.Array)]
    [TestCase("""{"vectors":-1}""", JsonValueKind.Number)]
    [TestCase("""{"vectors":true}""", JsonValueKind.True)]
    public void Check_Field_TellsItsKind(string json, JsonValueKind kind) =>
        Assert.That(JsonSyntax.Check(Encoding.UTF8.GetBytes(json), "vectors"u8), Is.EqualTo(new FieldPlace(kind, 11, 0)));

    [TestCase("""{"a":{"vectors":[1]}}""")]
    [TestCase("""[{"vectors":[1]}]""")]
    [TestCase("""{"Vectors":[1]}""")]
    public void Check_FieldElsewhere_IsAbsent(string json) =>
        Assert.That(JsonSyntax.Check(Encoding.UTF8.GetBytes(json), "vectors"u8), Is.Null);

    private static byte[] Nested(int levels) => Encoding.UTF8.GetBytes(new string('[', levels) + new string(']', levels));

    private static void AssertInvalid(byte[] json, int line, int column)
    {
        var error = Assert.Throws<MoorchehException>(() => JsonSyntax.Check(json));
        Assert.That(error.Code, Is.EqualTo("invalid-json"));
        Assert.That(error.Message, Is.EqualTo($"Request body is not valid JSON (line {line}, byte {column})."));
    }
}
