using Moorcheh.Kernels;

namespace Moorcheh.Tests.Kernels;

[TestFixture]
public sealed class BoundPassTests
{
    [Test]
    public void Reaching_EveryWidth_SameLanes()
    {
        KernelSet set = BinaryTierTests.Synthetic(SyntheticShape.Standard, 100, 640, out _);
        set.Factors[64 + 5] = BinaryEncoder.ZeroVectorMark;
        int[] sums = set.Scan(set.Vectors[3], out QueryTerms terms);
        var binary = new BinaryBounds(terms, 3);
        var bytes = new ByteBounds(ByteQuery.Quantise(set.Vectors[3], new short[set.Padded]), set.Vectors[3], set.Centre);
        foreach (float threshold in new[] { float.NegativeInfinity, -0.1f, 0, 1e-6f, 0.3f, 0.5f, 0.7f, 1, 2, float.PositiveInfinity })
        {
            for (int block = 0; block < set.Masks.Length; block++)
            {
                Compare(binary, threshold, sums.AsSpan(block * 64, 64), set.Factors.AsSpan(block * 128, 128));
                Compare(bytes, threshold, sums.AsSpan(block * 64, 64), set.ByteFactors.AsSpan(block * 128, 128));
            }
        }

        static void Compare<TBounds>(TBounds bounds, float threshold, ReadOnlySpan<int> sums, ReadOnlySpan<float> factors)
            where TBounds : struct, IBlockBounds
        {
            ulong expected = BoundPass.ReachingScalar(sums, factors, bounds, threshold);
            Assert.That(BoundPass.ReachingVector128(sums, factors, bounds, threshold), Is.EqualTo(expected), "128 bits");
            Assert.That(BoundPass.ReachingVector256(sums, factors, bounds, threshold), Is.EqualTo(expected), "256 bits");
            for (int lane = 0; lane < 64; lane++)
            {
                bounds.Bound(sums[lane], factors[lane], factors[64 + lane], out float upper, out _);
                Assert.That((expected >> lane & 1) == 1 || upper < threshold + 1e-6f, "a slot that reaches the threshold was dropped");
            }
        }
    }

    [Test]
    public void Reaching_NotANumber_IsKept()
    {
        float[] factors = new float[128];
        factors[7] = float.NaN;
        factors[64 + 9] = float.NaN;
        var bounds = new BinaryBounds(new QueryTerms(0.1f, -1, 0.1f, 1, 0.01f, 64), 3);

        ulong lanes = BoundPass.ReachingScalar(new int[64], factors, bounds, 5);

        Assert.That(lanes, Is.EqualTo((1UL << 7) | (1UL << 9)));
        Assert.That(BoundPass.ReachingVector128(new int[64], factors, bounds, 5), Is.EqualTo(lanes));
        Assert.That(BoundPass.ReachingVector256(new int[64], factors, bounds, 5), Is.EqualTo(lanes));
    }

    [TestCase(1)]
    [TestCase(10)]
    [TestCase(500)]
    public void Collect_LiveSlots_KeepsThoseThatReachTheKthLowerBound(int k)
    {
        KernelSet set = BinaryTierTests.Synthetic(SyntheticShape.Standard, 128, 1000, out SyntheticVectors source);
        float[] query = new float[128];
        source.FillQuery(0, query);
        (float Upper, float Lower)[] all = set.BinaryBoundsOf(query, 3);
        int[] sums = set.Scan(query, out QueryTerms terms);
        ulong[] masks = [.. set.Masks.Select((m, i) => m & SplitMix64.At(9, (ulong)i))];
        masks[2] = 0;
        int[] live = [.. Enumerable.Range(0, 1000).Where(i => (masks[i / 64] >> (i % 64) & 1) == 1)];
        float threshold = k > live.Length ? float.NegativeInfinity : live.Select(i => all[i].Lower).OrderDescending().ElementAt(k - 1);

        Candidate[] found = KernelSet.Collect(sums, set.Factors, masks, new BinaryBounds(terms, 3), k);

        Candidate[] expected = [.. live.Where(i => all[i].Upper >= threshold).Select(i => new Candidate(i, all[i].Upper, all[i].Lower))];
        Assert.That(found, Is.EqualTo(expected));
    }

    [Test]
    public void Collect_FullList_StopsAndResumes()
    {
        KernelSet set = BinaryTierTests.Synthetic(SyntheticShape.Isotropic, 128, 640, out _);
        int[] sums = set.Scan(set.Vectors[0], out QueryTerms terms);
        var bounds = new BinaryBounds(terms, 8);
        Candidate[] expected = KernelSet.Collect(sums, set.Factors, set.Masks, bounds, 640);
        var small = new CandidateList(new Candidate[200], new float[640]);

        int done = BoundPass.Collect(sums, set.Factors, set.Masks, 100, bounds, ref small);

        Assert.That(done, Is.EqualTo(3));
        Assert.That(small.Items.ToArray(), Is.EqualTo(expected.Take(192).Select(c => c with { Slot = c.Slot + 100 })));
    }

    [Test]
    public void Add_ManyBounds_ThresholdIsTheKthLargest()
    {
        float[] lower = KernelData.Uniform(1000, 4);
        for (int k = 1; k <= 40; k++)
        {
            var list = new CandidateList(new Candidate[1000], new float[k]);
            for (int i = 0; i < lower.Length; i++)
            {
                list.Add(new Candidate(i, 2, lower[i]));
                float expected = i + 1 < k ? float.NegativeInfinity : lower.Take(i + 1).OrderDescending().ElementAt(k - 1);
                if (list.Threshold != expected)
                {
                    Assert.Fail($"k {k}, after {i + 1}: {list.Threshold} instead of {expected}");
                }
            }

            Assert.That(list.Count, Is.EqualTo(1000));
        }
    }

    [Test]
    public void Add_BelowTheThresholdOrNotANumber_DropsTheFirstKeepsTheSecond()
    {
        var list = new CandidateList(new Candidate[10], new float[1]);
        list.RaiseThreshold(0.5f);
        list.RaiseThreshold(0.2f);
        list.Add(new Candidate(1, 0.4f, 0.3f));
        list.Add(new Candidate(2, float.NaN, float.NaN));
        list.Add(new Candidate(3, 0.5f, 0.4f));

        Assert.That(list.Items.ToArray().Select(c => c.Slot), Is.EqualTo(new[] { 2, 3 }));
        Assert.That(list.Threshold, Is.EqualTo(0.5f));
    }
}
