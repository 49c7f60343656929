using System.Security.Cryptography;
using System.Text;
using Moorcheh.Artifacts.Tasks;

namespace Moorcheh.Tests.Artifacts;

internal sealed class ArtifactKeyTests
{
    [Test]
    public void Of_Names_IsTheStartOfTheirHash()
    {
        string expected = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("c 1/ü\0a")))[..32];
        Assert.That(ArtifactKey.Of("c 1/ü", "a").ToString(), Is.EqualTo(expected));
        Assert.That(ArtifactKey.Of("c 1/ü", "a").ChunkId(12), Is.EqualTo($"{expected}_chunk_12"));
        Assert.That(ArtifactKey.Of("ab", "c"), Is.Not.EqualTo(ArtifactKey.Of("a", "bc")));
    }

    [Test]
    public void TryParse_ChunkId_GivesKeyAndIndex([Values(0, 7, 12345)] int index)
    {
        var key = ArtifactKey.Of("c", "a");
        Assert.That(ArtifactKey.TryParse(Encoding.UTF8.GetBytes(key.ChunkId(index)), out ArtifactKey parsed, out int found));
        Assert.That((parsed, found), Is.EqualTo((key, index)));
    }

    [TestCase("00112233445566778899aabbccddeeff_chunk_")]
    [TestCase("00112233445566778899aabbccddeeff_chunk_01")]
    [TestCase("00112233445566778899aabbccddeeff_chunk_-1")]
    [TestCase("00112233445566778899aabbccddeeff_chunk_1x")]
    [TestCase("00112233445566778899aabbccddeeff_chunk_99999999999")]
    [TestCase("00112233445566778899AABBCCDDEEFF_chunk_1")]
    [TestCase("00112233445566778899aabbccddeefg_chunk_1")]
    [TestCase("00112233445566778899aabbccddeef_chunk_1")]
    [TestCase("plain")]
    [TestCase("")]
    public void TryParse_AnyOtherId_IsNone(string id) => Assert.That(ArtifactKey.TryParse(Encoding.UTF8.GetBytes(id), out _, out _), Is.False);
}
