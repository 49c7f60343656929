using Moorcheh.Search;

namespace Moorcheh.Tests.Search;

internal sealed class ItsScoreTests
{
    /// <summary>138 of 768 sign bits differ: the published example.</summary>
    [Test]
    public void FromCosine_PublishedExample_Is0566222() =>
        Assert.That(ItsScore.FromCosine(Math.Cos(Math.PI * 138 / 768)), Is.EqualTo(0.566222));

    [TestCase(1, 1)]
    [TestCase(1.0000001, 1)]
    [TestCase(0, 0)]
    [TestCase(-0.0, 0)]
    [TestCase(-0.5, 0)]
    [TestCase(-1, 0)]
    [TestCase(double.NaN, 0)]
    public void FromCosine_Ends_AreExact(double cosine, double score) => Assert.That(ItsScore.FromCosine(cosine), Is.EqualTo(score));

    [TestCase(0.99, 0.8573)]
    [TestCase(0.95, 0.7263)]
    [TestCase(0.9, 0.6376)]
    [TestCase(0.8, 0.5182)]
    [TestCase(0.7, 0.4286)]
    [TestCase(0.6, 0.3531)]
    [TestCase(0.5, 0.2858)]
    [TestCase(0.4, 0.2238)]
    [TestCase(0.3, 0.1653)]
    [TestCase(0.2, 0.1090)]
    [TestCase(0.1, 0.0542)]
    public void FromCosine_Table_Agrees(double cosine, double score) => Assert.That(ItsScore.FromCosine(cosine), Is.EqualTo(score).Within(0.00006));

    [TestCase(0.9, 0.637571)]
    [TestCase(0.5, 0.285839)]
    public void FromCosine_SixDecimals_Agree(double cosine, double score) => Assert.That(ItsScore.FromCosine(cosine), Is.EqualTo(score));

    [Test]
    public void FromCosine_NearOne_IsNotLost() =>
        Assert.That(ItsScore.FromCosine(1 - 1e-15), Is.GreaterThan(0.999999));

    [Test]
    public void FromCosine_GrowingCosine_NeverFalls()
    {
        double before = 0;
        for (int i = -1000; i <= 100_000; i++)
        {
            double score = ItsScore.FromCosine(i / 100_000.0);
            Assert.That(score, Is.InRange(before, 1));
            before = score;
        }
    }

    [TestCase(1, "Close Match")]
    [TestCase(0.894, "Close Match")]
    [TestCase(0.893999, "Very High Relevance")]
    [TestCase(0.632, "Very High Relevance")]
    [TestCase(0.631999, "High Relevance")]
    [TestCase(0.447, "High Relevance")]
    [TestCase(0.446999, "Good Relevance")]
    [TestCase(0.316, "Good Relevance")]
    [TestCase(0.315999, "Low Relevance")]
    [TestCase(0.224, "Low Relevance")]
    [TestCase(0.223999, "Very Low Relevance")]
    [TestCase(0.1, "Very Low Relevance")]
    [TestCase(0.099999, "Irrelevant")]
    [TestCase(0, "Irrelevant")]
    public void Label_Bounds_BelongToTheBetterLabel(double score, string label) => Assert.That(ItsScore.Label(score), Is.EqualTo(label));
}
