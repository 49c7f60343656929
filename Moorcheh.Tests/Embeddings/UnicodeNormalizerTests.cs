using Moorcheh.Embeddings.Text;

namespace Moorcheh.Tests.Embeddings;

/// <summary>
/// The normalizer must not depend on the host: the tests run with invariant globalization, where string.Normalize does nothing. Cases are
/// from Unicode's NormalizationTest.txt or follow from its rules.
/// </summary>
internal sealed class UnicodeNormalizerTests
{
    [TestCase("plain ASCII 123", "plain ASCII 123")]
    [TestCase("e\u0301", "\u00e9")]
    [TestCase("\u00bd", "1\u20442")]
    [TestCase("\ufb01", "fi")]
    [TestCase("\u00a0", " ")]
    [TestCase("\uff21\uff22", "AB")]
    [TestCase("\u1e9b\u0323", "\u1e69")]
    [TestCase("\u212b", "\u00c5")]
    [TestCase("\u0958", "\u0915\u093c")]
    [TestCase("\u1100\u1161\u11a8", "\uac01")]
    [TestCase("\uac00\u11a8", "\uac01")]
    [TestCase("\uac01", "\uac01")]
    [TestCase("a\u0315\u0300\u05ae\u0062", "\u00e0\u05ae\u0315b")]
    [TestCase("\u0344", "\u0308\u0301")]
    [TestCase("\ufdfa", "\u0635\u0644\u0649 \u0627\u0644\u0644\u0647 \u0639\u0644\u064a\u0647 \u0648\u0633\u0644\u0645")]
    [TestCase("\U0001d400", "A")]
    [TestCase("\U0001f642", "\U0001f642")]
    [TestCase("\U000110a5\U000110ba", "\U000110ab")]
    public void ToNfkc_KnownText_GivesItsNormalForm(string text, string expected)
    {
        Assert.That(UnicodeNormalizer.ToNfkc(text), Is.EqualTo(expected));
    }

    [TestCase("\u00e9", "e\u0301")]
    [TestCase("\u1e69", "s\u0323\u0307")]
    [TestCase("\uac01", "\u1100\u1161\u11a8")]
    [TestCase("\ufb01", "\ufb01")]
    public void ToNfd_KnownText_GivesItsNormalForm(string text, string expected)
    {
        Assert.That(UnicodeNormalizer.ToNfd(text), Is.EqualTo(expected));
    }

    [Test]
    public void ToNfkc_LoneSurrogates_StayAsTheyAre()
    {
        Assert.That(UnicodeNormalizer.ToNfkc("\ud800a\udc00\ud83d"), Is.EqualTo("\ud800a\udc00\ud83d"));
    }

    [Test, CancelAfter(120_000)]
    public void ToNfkc_LongRunOfMarks_TakesNoQuadraticTime(CancellationToken cancellationToken)
    {
        string marks = string.Concat(Enumerable.Repeat("\u0315\u0300", 500_000));

        string normal = UnicodeNormalizer.ToNfkc(marks);

        Assert.That(normal, Is.EqualTo(new string('\u0300', 500_000) + new string('\u0315', 500_000)));
        Assert.That(cancellationToken.IsCancellationRequested, Is.False);
    }
}
