using System.Globalization;
using Moorcheh.Http.Contracts;

namespace Moorcheh.Tests.Http;

/// <summary>How numbers and times look on the wire.</summary>
public class WireTests
{
    [TestCase(0, "0.0")]
    [TestCase(1, "1.0")]
    [TestCase(0.5, "0.5")]
    [TestCase(0.566222, "0.566222")]
    [TestCase(0.0000724, "0.000072")]
    [TestCase(0.0000725, "0.000073")]
    [TestCase(0.0000001, "0.000000")]
    [TestCase(12.3456789, "12.345679")]
    public void Six_Numbers_HaveAtMostSixDecimalsAndNoExponent(double value, string expected) =>
        Assert.That(Wire.Six(value).ToString(CultureInfo.InvariantCulture), Is.EqualTo(expected));

    [Test]
    public void Time_AnyOffset_IsUtcWithMilliseconds()
    {
        var time = new DateTimeOffset(2026, 5, 21, 14, 0, 0, 5, TimeSpan.FromHours(2));

        Assert.That(Wire.Time(time), Is.EqualTo("2026-05-21T12:00:00.005Z"));
        Assert.That(Wire.Time((DateTimeOffset?)null), Is.Null);
    }
}
