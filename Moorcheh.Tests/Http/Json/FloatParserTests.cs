using System.Globalization;
using System.Text;
using Moorcheh.Http.Json;

namespace Moorcheh.Tests.Http.Json;

/// <summary>The parser must give the very float that the framework gives: the oracle is <see cref="float.Parse(string)"/>.</summary>
public class FloatParserTests
{
    [TestCase("0")]
    [TestCase("-0")]
    [TestCase("-0.0e5")]
    [TestCase("1")]
    [TestCase("0.1")]
    [TestCase("-123.456e-7")]
    [TestCase("1E+2")]
    [TestCase("9007199254740993")]
    [TestCase("3.4028234663852886e38")]
    [TestCase("3.4028235677973362e38")]
    [TestCase("3.4028235677973366e38")]
    [TestCase("1e39")]
    [TestCase("-1e999")]
    [TestCase("1e-46")]
    [TestCase("1.401298464324817e-45")]
    [TestCase("1.1754943508222875e-38")]
    [TestCase("1.1754942106924411e-38")]
    [TestCase("0.000000000000000000000000000000000000001")]
    [TestCase("100000000000000000000000000000000000000")]
    [TestCase("0.12345678901234567890123456789")]
    [TestCase("0.1234567890123456")]
    [TestCase("0.12345678901234567")]
    [TestCase("0.00000000000000012345678901234567")]
    [TestCase("0.0000000000000000000000000000000001")]
    [TestCase("-9.9999999999999999999999999999999999999")]
    [TestCase("0.5e-3")]
    [TestCase("0.0")]
    [TestCase("-0.0000")]
    [TestCase("5.0")]
    [TestCase("12.5")]
    [TestCase("123456789012345678901234567890")]
    [TestCase("1e-00000000000000000000000000000000001")]
    [TestCase("0e99999999999999999999")]
    [TestCase("1e99999999999999999999")]
    [TestCase("-1e-99999999999999999999")]
    [TestCase("16777217")]
    [TestCase("16777217.0000000000000000000000000001")]
    [TestCase("16777216.9999999999999999999999999999")]
    [TestCase("1.00000005960464477539062500")]
    [TestCase("1.00000005960464477539062501")]
    [TestCase("1.00000005960464477539062499")]
    public void Parse_EdgeCases_EqualTheFramework(string text) => AssertSame(text);

    [Test]
    public void Parse_RandomNumbersInAllCommonFormats_EqualTheFramework()
    {
        var random = new Random(1);
        for (int i = 0; i < 40_000; i++)
        {
            float value = BitConverter.Int32BitsToSingle(random.Next() ^ (random.Next() << 1));
            if (!float.IsFinite(value))
            {
                continue;
            }

            AssertSame(value.ToString("R", CultureInfo.InvariantCulture));
            AssertSame(((double)value).ToString("R", CultureInfo.InvariantCulture));
            double unit = (random.NextDouble() * 2) - 1;
            AssertSame(unit.ToString("R", CultureInfo.InvariantCulture));
            AssertSame(unit.ToString("F8", CultureInfo.InvariantCulture));
            AssertSame(unit.ToString("E17", CultureInfo.InvariantCulture));
        }
    }

    [Test]
    public void Parse_MiddleBetweenTwoFloats_RoundsToEven()
    {
        var random = new Random(2);
        for (int i = 0; i < 5_000; i++)
        {
            float value = (float)((random.NextDouble() * 2) - 1);
            double middle = ((double)value + MathF.BitIncrement(value)) / 2;

            // A double's exact value needs up to 54 significant digits here; one digit more decides the side.
            string exact = middle.ToString("F60", CultureInfo.InvariantCulture);
            AssertSame(exact);
            AssertSame(exact + "1");
        }
    }

    [Test]
    public void Parse_NumberInsideArray_MovesBehindIt()
    {
        byte[] json = "[-1.5e1,2]"u8.ToArray();
        int position = 1;

        Assert.That(FloatParser.TryParse(json, ref position, out float first));
        Assert.That(first, Is.EqualTo(-15f));
        Assert.That(position, Is.EqualTo(7));
    }

    [TestCase("")]
    [TestCase("-")]
    [TestCase("+1")]
    [TestCase(".5")]
    [TestCase("1.")]
    [TestCase("1.e5")]
    [TestCase("1e")]
    [TestCase("1e+")]
    [TestCase("-x")]
    [TestCase("NaN")]
    [TestCase("Infinity")]
    [TestCase("\"1\"")]
    public void TryParse_NoJsonNumber_IsRefused(string text)
    {
        int position = 0;

        Assert.That(FloatParser.TryParse(Encoding.UTF8.GetBytes(text), ref position, out _), Is.False);
    }

    [TestCase("01", 1)]
    [TestCase("-00", 2)]
    [TestCase("1.5.5", 3)]
    [TestCase("1-1", 1)]
    public void TryParse_NumberWithMoreBehindIt_StopsThere(string text, int end)
    {
        int position = 0;

        Assert.That(FloatParser.TryParse(Encoding.UTF8.GetBytes(text), ref position, out _));
        Assert.That(position, Is.EqualTo(end));
    }

    private static void AssertSame(string text)
    {
        AssertSame(text, text);

        // With enough text behind it the wide path is taken.
        AssertSame(text, text + ", 0.123456789012345678901234567890123456789");
    }

    private static void AssertSame(string text, string json)
    {
        int position = 0;
        bool isNumber = FloatParser.TryParse(Encoding.UTF8.GetBytes(json), ref position, out float actual);
        float expected = float.Parse(text, CultureInfo.InvariantCulture);
        if (!isNumber || BitConverter.SingleToInt32Bits(actual) != BitConverter.SingleToInt32Bits(expected) || position != text.Length)
        {
            Assert.Fail($"{text}: got {actual:R}, expected {expected:R}, stopped at {position} of {text.Length}");
        }
    }
}
