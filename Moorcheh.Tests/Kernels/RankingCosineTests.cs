using Moorcheh.Kernels;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Kernels;

/// <summary>
/// The ranking cosine is the real one, rounded: held against an oracle that calculates in whole numbers. Besides random vectors those for
/// which rounding is hard to get right, because their cosine is next to the middle between two neighbours, or exactly there.
/// </summary>
internal sealed class RankingCosineTests
{
    private static IEnumerable<int> Lengths => [.. Enumerable.Range(1, 40), 100, 384, 1000];

    [TestCaseSource(nameof(Lengths))]
    public void Of_RandomVectors_IsTheRoundedCosine(int length)
    {
        var random = new Random(length);
        for (int kind = 0; kind < 6; kind++)
        {
            Check(Values(random, length, kind), Values(random, length, kind), $"kind {kind}");
        }
    }

    [Test]
    public void Of_GreatestDimension_IsTheRoundedCosine()
    {
        var random = new Random(3);
        float[] x = TestVectors.Gaussian(random, 16_384);
        float[] y = [.. x.Select(value => value + (1e-7f * random.NextSingle()))];
        Check(x, y, "near");
        Check(x, TestVectors.Gaussian(random, 16_384), "far");
        Check([.. Enumerable.Repeat(float.MaxValue, 16_384)], [.. Enumerable.Range(0, 16_384).Select(i => i % 2 == 0 ? float.MaxValue : -float.MaxValue)], "cancelled");
        Check([.. Enumerable.Repeat(float.MaxValue, 16_384)], [.. Enumerable.Repeat(float.Epsilon, 16_384)], "ends of the range");
    }

    /// <summary>
    /// With y = (1, a, a, ...) and x = (1, 0, 0, ...) the cosine is 1 - m a^2 / 2 + 3/8 m^2 a^4 for m values a: with a = 2^-27, and m = 2 it is the middle below 1
    /// and a bit more.
    /// </summary>
    [Test]
    public void Of_NextToTheMiddleBelowOne_IsRounded()
    {
        float a = MathF.ScaleB(1, -27);
        Check([1, 0, 0], [1, a, a], "just above");
        Assert.That(Of([1, 0, 0], [1, a, a]), Is.EqualTo(1));
        Check([1, 0, 0, 0], [1, a, a, MathF.ScaleB(1, -60)], "nearer still");
        Check([1, 0, 0, 0], [1, a, a, MathF.ScaleB(1, -53)], "nearer still");
        Check([1, 0, 0, 0], [1, a, a, MathF.ScaleB(1, -52)], "just below");
        Check([-1, 0, 0, 0], [1, a, a, MathF.ScaleB(1, -52)], "the same below zero");
        Check([-1, 0, 0], [1, a, a], "the same below zero");
    }

    /// <summary>Cosines of an odd number times 2^-54.</summary>
    [TestCase(1, 0)]
    [TestCase(3, 2)]
    [TestCase(5, 2)]
    [TestCase(7, 4)]
    public void Of_ExactMiddle_IsTheEvenMultiple(int halves, int expected)
    {
        float[] tie = Middle(halves, out float[] other);
        Assert.That(Of(tie, other), Is.EqualTo(expected * Math.ScaleB(1, -53)));
        Check(tie, other, "middle");
        tie[0] = -tie[0];
        Check(tie, other, "middle below zero");
    }

    /// <summary>An item's place may not depend on how long its vector is.</summary>
    [Test]
    public void Of_ExactMultiples_AreEqual()
    {
        Assert.That(Of([3, 1, 2], [33, 66, 99]), Is.EqualTo(Of([3, 1, 2], [1, 2, 3])));
        var random = new Random(7);
        for (int round = 0; round < 500; round++)
        {
            // Whole numbers of 10 bits, so that 14-bit multiples are exact.
            int length = random.Next(1, 80);
            float[] query = TestVectors.Gaussian(random, length);
            float[] vector = [.. Enumerable.Range(0, length).Select(_ => (float)random.Next(-512, 512))];
            double cosine = Of(query, vector);
            for (int i = 0; i < 4; i++)
            {
                float factor = MathF.ScaleB(random.Next(1, 1 << 14), random.Next(-60, 60));
                Assert.That(Of(query, [.. vector.Select(value => value * factor)]), Is.EqualTo(cosine), $"{factor}");
            }
        }
    }

    [Test]
    public void Of_ItselfAndItsNegative_IsOneAndMinusOne()
    {
        var random = new Random(8);
        for (int length = 1; length < 600; length += 13)
        {
            float[] x = TestVectors.Gaussian(random, length);
            Assert.That(Of(x, x), Is.EqualTo(1));
            Assert.That(Of(x, [.. x.Select(value => -value)]), Is.EqualTo(-1));
        }
    }

    [Test]
    public void Of_ZeroVector_IsZero()
    {
        Assert.That(Of([0, 0], [1, 2]), Is.Zero);
        Assert.That(Of([1, 2], [0, 0]), Is.Zero);
        Assert.That(Of([], []), Is.Zero);
    }

    [Test]
    public void Of_DifferentLengths_Throws() => Assert.That(() => Of([1], [1, 2]), Throws.ArgumentException);

    private static double Of(float[] query, float[] vector) => RankingCosine.Of(query, RankingCosine.Square(query), vector);

    private static void Check(float[] x, float[] y, string what) => Assert.That(Of(x, y), Is.EqualTo(Oracle.Cosine(x, y)), what);

    /// <summary>Vectors with a cosine of exactly halves * 2^-54.</summary>
    private static float[] Middle(int halves, out float[] other)
    {
        // Against (1, 0, 0, ...) the cosine of a vector of length 1 is its first value. The squares of the others must make up the rest.
        float s = MathF.ScaleB(halves, -54);
        List<float> x = [s];
        System.Numerics.BigInteger left = (System.Numerics.BigInteger.One << 108) - ((long)halves * halves);
        while (!left.IsZero)
        {
            // The greatest square of a 24-bit number with an even power of two that fits.
            int shift = Math.Max(0, ((int)left.GetBitLength() - 46) / 2);
            long root = (long)Math.Sqrt((double)(left >> (2 * shift)));
            root = Math.Min(root, (1 << 24) - 1);
            while (new System.Numerics.BigInteger(root) * root << (2 * shift) > left)
            {
                root--;
            }

            x.Add(MathF.ScaleB(root, shift - 54));
            left -= new System.Numerics.BigInteger(root) * root << (2 * shift);
        }

        other = new float[x.Count];
        other[0] = 1;
        return [.. x];
    }

    private static float[] Values(Random random, int length, int kind) =>
    [
        .. Enumerable.Range(0, length).Select(i => kind switch
        {
            0 => (float)(random.NextDouble() - 0.5),
            1 => float.Epsilon * random.Next(1, 100), // Denormal.
            2 => (random.Next(2) == 0 ? -1 : 1) * float.MaxValue * random.NextSingle(),
            3 => (i % 3) switch { 0 => float.Epsilon, 1 => -0f, _ => float.MaxValue * (random.NextSingle() - 0.5f) },
            4 => random.Next(-2, 3),
            _ => MathF.ScaleB(random.NextSingle() - 0.5f, random.Next(-126, 120)),
        }),
    ];
}
