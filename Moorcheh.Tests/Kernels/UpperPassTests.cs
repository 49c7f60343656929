using Moorcheh.Kernels;

namespace Moorcheh.Tests.Kernels;

[TestFixture]
public sealed class UpperPassTests
{
    [Test]
    public void Estimate_EveryWidth_SameBoundsAndLanes()
    {
        KernelSet set = BinaryTierTests.Synthetic(SyntheticShape.Standard, 100, 640, out _);
        set.Factors[64 + 5] = BinaryEncoder.ZeroVectorMark;
        set.Factors[9] = float.NaN;
        int[] sums = set.Scan(set.Vectors[3], out QueryTerms terms);
        var bounds = new BinaryBounds(terms, 3);
        float[] scalar = new float[64];
        float[] uppers = new float[64];
        foreach (float threshold in (float[])[float.NegativeInfinity, -0.1f, 0, 0.3f, 0.5f, 2, float.PositiveInfinity])
        {
            for (int block = 0; block < set.Masks.Length; block++)
            {
                ReadOnlySpan<int> s = sums.AsSpan(block * 64, 64);
                ReadOnlySpan<float> f = set.Factors.AsSpan(block * 128, 128);
                ulong expected = UpperPass.EstimateScalar(s, f, bounds, threshold, scalar);
                Assert.That(UpperPass.EstimateVector128(s, f, bounds, threshold, uppers), Is.EqualTo(expected), "128 bits");
                Assert.That(uppers, Is.EqualTo(scalar), "128 bits");
                Assert.That(UpperPass.EstimateVector256(s, f, bounds, threshold, uppers), Is.EqualTo(expected), "256 bits");
                Assert.That(uppers, Is.EqualTo(scalar), "256 bits");
                for (int lane = 0; lane < 64; lane++)
                {
                    bounds.Bound(s[lane], f[lane], f[64 + lane], out float upper, out _);
                    Assert.That(scalar[lane], Is.EqualTo(upper));
                }
            }
        }
    }

    [TestCase(0.5f)]
    [TestCase(float.NegativeInfinity)]
    [TestCase(float.PositiveInfinity)]
    public void Reaching_EveryWidth_KeepsWhatIsNotBelow(float threshold)
    {
        float[] uppers = KernelData.Uniform(64, 5);
        uppers[0] = 0.5f;
        uppers[7] = float.NaN;
        uppers[63] = float.PositiveInfinity;
        ulong expected = 0;
        for (int lane = 0; lane < 64; lane++)
        {
            expected |= uppers[lane] < threshold ? 0 : 1UL << lane;
        }

        Assert.That(UpperPass.ReachingScalar(uppers, threshold), Is.EqualTo(expected));
        Assert.That(UpperPass.ReachingVector128(uppers, threshold), Is.EqualTo(expected));
        Assert.That(UpperPass.ReachingVector256(uppers, threshold), Is.EqualTo(expected));
        Assert.That(UpperPass.Reaching(uppers, threshold), Is.EqualTo(expected));
    }

    [Test]
    public void Estimate_WantedSlots_OffersTheBestOfThem()
    {
        KernelSet set = BinaryTierTests.Synthetic(SyntheticShape.Standard, 128, 1000, out _);
        int[] sums = set.Scan(set.Vectors[8], out QueryTerms terms);
        var bounds = new BinaryBounds(terms, 3);
        ulong[] masks = [.. set.Masks.Select((m, i) => m & SplitMix64.At(9, (ulong)i))];
        masks[2] = 0;
        float[] uppers = new float[sums.Length];
        uppers.AsSpan().Fill(-7);
        var best = new BestEstimates();
        for (int round = 0; round < 2; round++)
        {
            best.Begin(30);
            UpperPass.Estimate(sums, set.Factors, masks, 5000, bounds, uppers, best);
            int[] expected =
            [
                .. Enumerable.Range(0, 1000)
                    .Where(i => (masks[i / 64] >> (i % 64) & 1) == 1)
                    .OrderByDescending(i => bounds.Estimate(sums[i], set.Factors[(i / 64 * 128) + (i % 64)], set.Factors[(i / 64 * 128) + 64 + (i % 64)], out _))
                    .Take(30)
                    .Select(i => 5000 + i)
                    .Order(),
            ];
            Assert.That(best.Places().ToArray(), Is.EqualTo(expected));
        }

        Assert.That(uppers.Skip(128).Take(64), Is.All.EqualTo(-7), "a block nobody wants is not touched");
    }

    [Test]
    public void Offer_TiesAndNoNumbers_KeepsTheFirst()
    {
        var best = new BestEstimates();
        best.Begin(2);
        best.Offer(1, float.NaN);
        best.Offer(2, 0.5f);
        best.Offer(3, 0.5f);
        best.Offer(4, 0.5f);
        best.Offer(5, float.NaN);
        Assert.That(best.Places().ToArray(), Is.EqualTo((int[])[2, 3]));
        Assert.That(best.Threshold, Is.EqualTo(0.5f));
    }
}
