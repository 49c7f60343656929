using System.Text;
using Moorcheh.Index;

namespace Moorcheh.Tests.Index;

/// <summary>Ids are kept as UTF-8 but ordered as .NET orders strings ordinally, by UTF-16 units: the two differ above U+DFFF.</summary>
internal sealed class OrdinalUtf8Tests
{
    private static readonly int[] Edges =
        [0, 'a', 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xEFFF, 0xF000, 0xFFFD, 0xFFFF, 0x10000, 0x1F600, 0x10FFFF];

    [Test]
    public void Compare_EdgeCodePoints_EqualsCompareOrdinal()
    {
        foreach (int x in Edges)
        {
            foreach (int y in Edges)
            {
                AssertSame(char.ConvertFromUtf32(x), char.ConvertFromUtf32(y));
            }
        }
    }

    [Test]
    public void Compare_RandomStrings_EqualsCompareOrdinal()
    {
        var random = new Random(11);
        for (int i = 0; i < 20_000; i++)
        {
            string x = RandomText(random);
            string y = random.Next(3) == 0 ? x[..^(char.IsLowSurrogate(x, x.Length - 1) ? 2 : 1)] + RandomText(random) : RandomText(random);
            AssertSame(x, y);
        }
    }

    [Test]
    public void Hash_SameBytes_IsTheSame() =>
        Assert.That(OrdinalUtf8.Hash("héllo"u8), Is.EqualTo(OrdinalUtf8.Hash(Encoding.UTF8.GetBytes("héllo"))));

    private static void AssertSame(string x, string y) =>
        Assert.That(
            Math.Sign(OrdinalUtf8.Compare(Encoding.UTF8.GetBytes(x), Encoding.UTF8.GetBytes(y))),
            Is.EqualTo(Math.Sign(string.CompareOrdinal(x, y))),
            $"{Convert.ToHexString(Encoding.UTF8.GetBytes(x))} and {Convert.ToHexString(Encoding.UTF8.GetBytes(y))}");

    private static string RandomText(Random random)
    {
        var text = new StringBuilder();
        for (int i = random.Next(1, 5); i > 0; i--)
        {
            text.Append(char.ConvertFromUtf32(Edges[random.Next(1, Edges.Length)]));
        }

        return text.ToString();
    }
}
