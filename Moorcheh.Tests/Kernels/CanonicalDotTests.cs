using Moorcheh.Kernels;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Kernels;

/// <summary>The dot product must give the same bits on every machine: an answer may not depend on the instruction set.</summary>
internal sealed class CanonicalDotTests
{
    private static IEnumerable<int> Lengths => [.. Enumerable.Range(0, 71), 384, 1000];

    [TestCaseSource(nameof(Lengths))]
    public void Dot_EveryWidth_GivesTheSameBits(int length)
    {
        var random = new Random(length);
        for (int kind = 0; kind < 4; kind++)
        {
            float[] x = Values(random, length, kind);
            float[] y = Values(random, length, kind);
            long scalar = BitConverter.DoubleToInt64Bits(CanonicalDot.DotScalar(x, y));
            Assert.That(BitConverter.DoubleToInt64Bits(CanonicalDot.Dot256(x, y)), Is.EqualTo(scalar), $"256 bits, kind {kind}");
            Assert.That(BitConverter.DoubleToInt64Bits(CanonicalDot.Dot512(x, y)), Is.EqualTo(scalar), $"512 bits, kind {kind}");
            Assert.That(BitConverter.DoubleToInt64Bits(CanonicalDot.Dot(x, y)), Is.EqualTo(scalar), $"chosen, kind {kind}");
        }
    }

    [Test]
    public void Dot_KnownValues_IsTheSum()
    {
        Assert.That(CanonicalDot.Dot([], []), Is.Zero);
        Assert.That(CanonicalDot.Dot([2, 3], [5, -7]), Is.EqualTo(-11));
        Assert.That(CanonicalDot.Dot(Enumerable.Repeat(1f, 1000).ToArray(), Enumerable.Repeat(1f, 1000).ToArray()), Is.EqualTo(1000));
    }

    [Test]
    public void Dot_Random_IsNearTheNaiveSum()
    {
        var random = new Random(5);
        for (int length = 1; length < 200; length += 7)
        {
            float[] x = TestVectors.Gaussian(random, length);
            float[] y = TestVectors.Gaussian(random, length);
            double naive = x.Zip(y, (a, b) => (double)a * b).Sum();
            Assert.That(CanonicalDot.Dot(x, y), Is.EqualTo(naive).Within(1e-11));
        }
    }

    [Test]
    public void Dot_DifferentLengths_Throws() =>
        Assert.That(() => CanonicalDot.Dot([1], [1, 2]), Throws.ArgumentException);

    private static float[] Values(Random random, int length, int kind) =>
    [
        .. Enumerable.Range(0, length).Select(i => kind switch
        {
            0 => (float)(random.NextDouble() - 0.5),
            1 => float.Epsilon * random.Next(1, 100), // Denormal.
            2 => (random.Next(2) == 0 ? -1 : 1) * float.MaxValue * random.NextSingle(),
            _ => (i % 3) switch { 0 => float.Epsilon, 1 => -0f, _ => float.MaxValue * (random.NextSingle() - 0.5f) },
        }),
    ];
}
