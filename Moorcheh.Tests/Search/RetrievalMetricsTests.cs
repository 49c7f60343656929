namespace Moorcheh.Tests.Search;

/// <summary>The measures that the results are published in, against values worked out by hand.</summary>
internal sealed class RetrievalMetricsTests
{
    private static readonly Dictionary<string, int> Grades = new() { ["a"] = 2, ["b"] = 1, ["c"] = 1, ["x"] = 0 };

    [Test]
    public void Ndcg_GradedRanking_DividesByTheBestRanking()
    {
        // Gains 1, 0, 3 at places 1, 2, 3 against 3, 1, 1: (1 + 3/2) / (3 + 1/log2(3) + 1/2).
        double expected = 2.5 / (3 + 0.6309297535714575 + 0.5);

        Assert.That(RetrievalMetrics.Ndcg(["b", "x", "a"], Grades, 10), Is.EqualTo(expected).Within(1e-12));
    }

    [Test]
    public void Ndcg_BestRanking_IsOne() => Assert.That(RetrievalMetrics.Ndcg(["a", "c", "b", "y"], Grades, 10), Is.EqualTo(1).Within(1e-12));

    [Test]
    public void Ndcg_BeyondTheDepth_DoesNotCount()
    {
        Assert.That(RetrievalMetrics.Ndcg(["x", "a"], Grades, 1), Is.Zero);
        Assert.That(RetrievalMetrics.Ndcg(["a"], Grades, 1), Is.EqualTo(1).Within(1e-12));
    }

    [Test]
    public void Recall_CountsWhatWasFoundOfWhatIsRelevant()
    {
        Assert.That(RetrievalMetrics.Recall(["y", "b", "x", "a"], Grades, 100), Is.EqualTo(2.0 / 3).Within(1e-12));
        Assert.That(RetrievalMetrics.Recall(["y", "b", "x", "a"], Grades, 2), Is.EqualTo(1.0 / 3).Within(1e-12));
    }

    [Test]
    public void ReciprocalRank_IsThatOfTheFirstRelevantDocument()
    {
        Assert.That(RetrievalMetrics.ReciprocalRank(["x", "y", "c", "a"], Grades), Is.EqualTo(1.0 / 3).Within(1e-12));
        Assert.That(RetrievalMetrics.ReciprocalRank(["x"], Grades), Is.Zero);
    }

    [Test]
    public void AllMeasures_NothingRelevant_AreZero()
    {
        Dictionary<string, int> none = new() { ["x"] = 0 };

        Assert.That(RetrievalMetrics.Ndcg(["x"], none, 10), Is.Zero);
        Assert.That(RetrievalMetrics.Recall(["x"], none, 10), Is.Zero);
        Assert.That(RetrievalMetrics.ReciprocalRank(["x"], none), Is.Zero);
    }
}
