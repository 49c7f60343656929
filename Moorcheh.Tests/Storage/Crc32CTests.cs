using System.Text;
using Moorcheh.Storage;

namespace Moorcheh.Tests.Storage;

internal sealed class Crc32CTests
{
    /// <summary>RFC 3720, appendix B.4.</summary>
    [Test]
    public void Of_PublishedVectors_Agree()
    {
        Assert.That(Crc32C.Of(new byte[32]), Is.EqualTo(0x8A9136AA));
        Assert.That(Crc32C.Of(Enumerable.Repeat((byte)0xFF, 32).ToArray()), Is.EqualTo(0x62A8AB43));
        Assert.That(Crc32C.Of([.. Enumerable.Range(0, 32).Select(i => (byte)i)]), Is.EqualTo(0x46DD794E));
        Assert.That(Crc32C.Of([.. Enumerable.Range(0, 32).Select(i => (byte)(31 - i))]), Is.EqualTo(0x113FDB5C));
        Assert.That(Crc32C.Of(Encoding.ASCII.GetBytes("123456789")), Is.EqualTo(0xE3069283));
    }

    [Test]
    public void Append_AnySplit_EqualsTheWhole()
    {
        byte[] bytes = new byte[67];
        new Random(1).NextBytes(bytes);
        uint whole = Crc32C.Of(bytes);
        for (int split = 0; split <= bytes.Length; split++)
        {
            Assert.That(Crc32C.Append(Crc32C.Of(bytes.AsSpan(0, split)), bytes.AsSpan(split)), Is.EqualTo(whole));
        }
    }

    [Test]
    public void Of_Nothing_IsStart() => Assert.That(Crc32C.Of([]), Is.EqualTo(Crc32C.Start));
}
