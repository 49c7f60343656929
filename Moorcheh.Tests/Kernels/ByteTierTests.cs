using System.Runtime.Intrinsics.X86;
using Moorcheh.Kernels;

namespace Moorcheh.Tests.Kernels;

[TestFixture]
public sealed class ByteTierTests
{
    /// <summary>No probability here: every bound of every pair must hold.</summary>
    [TestCaseSource(typeof(KernelData), nameof(KernelData.Dimensions))]
    public void Bound_AwkwardVectors_AlwaysHolds(int dimension)
    {
        List<float[]> vectors = KernelData.Vectors(dimension, 20);
        foreach (float[] centre in new[] { KernelData.Centre(dimension), new float[dimension], KernelData.OneHot(dimension, 0) })
        {
            AssertBoundsHold(new KernelSet(vectors, centre), vectors);
        }
    }

    [Test]
    public void Bound_SyntheticEmbeddings_HoldsAndIsNarrow()
    {
        SyntheticShape[] shapes = [SyntheticShape.Standard, SyntheticShape.Hard, SyntheticShape.Collapsed, SyntheticShape.Isotropic];
        foreach (SyntheticShape shape in shapes)
        {
            KernelSet set = BinaryTierTests.Synthetic(shape, 512, 300, out SyntheticVectors source);
            var queries = new List<float[]>();
            for (int i = 0; i < 10; i++)
            {
                float[] query = new float[512];
                source.FillQuery(i, query);
                queries.Add(query);
            }

            AssertBoundsHold(set, queries);
            Assert.That(set.ByteFactors[64], Is.LessThan(0.01f));
        }
    }

    [Test]
    public void Encode_NoCentre_EncodesTheVector()
    {
        float[] x = KernelData.Unit(100, 1);
        sbyte[] codes = new sbyte[128];
        ByteEncoder.Encode(x, [], new float[128], codes, out float scale, out float error);

        double squares = x.Select((v, i) => v - ((double)scale * codes[i])).Sum(d => d * d);
        Assert.Multiple(() =>
        {
            Assert.That(codes.Max(c => Math.Abs((int)c)), Is.EqualTo(127));
            Assert.That(codes.Skip(100), Has.All.Zero);
            Assert.That(error, Is.GreaterThanOrEqualTo(Math.Sqrt(squares)).And.EqualTo(Math.Sqrt(squares)).Within(2e-6));
        });
    }

    [TestCase(0f)]
    [TestCase(1e-40f)]
    [TestCase(1e-37f)]
    public void Encode_NothingToScale_LeavesAllToTheError(float value)
    {
        sbyte[] codes = [.. Enumerable.Repeat((sbyte)9, 64)];
        ByteEncoder.Encode([value, 0, -0.0f], [], new float[64], codes, out float scale, out float error);

        Assert.That(error, Is.GreaterThanOrEqualTo(Math.Abs(value - (scale * codes[0]))));
        Assert.That(float.IsFinite(scale) && float.IsFinite(error));
        Assert.That(codes.Skip(1), Has.All.Zero);
    }

    [TestCaseSource(typeof(KernelData), nameof(KernelData.Dimensions))]
    public void Quantise_VectorAndScalar_SameBits(int dimension)
    {
        int padded = BlockLayout.PaddedDimension(dimension);
        float[] scalar = KernelData.Uniform(padded, 6);
        scalar[0] = 1;
        scalar[1] = -1;
        scalar[2] = -0.0f;
        scalar[3] = float.Epsilon;
        scalar[4] = 0.5f / 127;
        scalar[5] = 1.5f / 127;
        float[] vector = [.. scalar];
        sbyte[] scalarCodes = new sbyte[padded];
        sbyte[] vectorCodes = new sbyte[padded];
        ByteEncoder.QuantiseScalar(scalar, 1f / 127, 127, scalarCodes);
        ByteEncoder.QuantiseVector128(vector, 1f / 127, 127, vectorCodes);

        Assert.That(vectorCodes, Is.EqualTo(scalarCodes));
        Assert.That(KernelSet.Raw(vector).SequenceEqual(KernelSet.Raw(scalar)));
        Assert.That(scalarCodes.Take(4), Is.EqualTo(new sbyte[] { 127, -127, 0, 0 }));
    }

    /// <summary>Even elements are the worst case for the 32-bit sums: all codes and all query values at their largest.</summary>
    [TestCaseSource(typeof(KernelData), nameof(KernelData.Dimensions))]
    public void Dot_LargestValues_EveryPathIsExact(int dimension)
    {
        int padded = BlockLayout.PaddedDimension(dimension);
        short[] query = new short[padded];
        ByteQuery.Quantise(KernelData.Normalise([.. Enumerable.Repeat(-1f, dimension)]), query);
        sbyte[] codes = [.. Enumerable.Repeat((sbyte)-127, 4 * padded)];
        long expected = query.Sum(q => -127L * q);

        Assert.That(expected, Is.LessThanOrEqualTo(int.MaxValue));
        AssertDots(codes, query, expected);
    }

    [TestCaseSource(typeof(KernelData), nameof(KernelData.Dimensions))]
    public void Dot_RandomValues_EveryPathIsExact(int dimension)
    {
        int padded = BlockLayout.PaddedDimension(dimension);
        short[] query = new short[padded];
        ByteQuery.Quantise(KernelData.Unit(dimension, 3), query);
        sbyte[] row = [.. Enumerable.Range(0, padded).Select(i => (sbyte)((int)(SplitMix64.At(1, (ulong)i) % 255) - 127))];
        long expected = query.Zip(row, (q, c) => (long)q * c).Sum();

        AssertDots([.. row, .. row, .. row, .. row], query, expected);
    }

    [Test]
    public void Scan_PartialMask_WritesEveryWantedSum()
    {
        var set = new KernelSet(KernelData.Vectors(100, 250), KernelData.Centre(100));
        short[] query = new short[128];
        ByteQuery.Quantise(KernelData.Unit(100, 3), query);
        int[] sums = [.. Enumerable.Repeat(-1, 256)];
        ulong[] masks = [ulong.MaxValue, 0, 0xF7B0_0000_0000_5E8A, 1UL << 63];

        ByteScan.Scan(set.Bytes, masks, query, sums);

        for (int i = 0; i < 256; i++)
        {
            if ((masks[i / 64] >> (i % 64) & 1) == 1)
            {
                Assert.That(sums[i], Is.EqualTo(ByteScan.DotScalar(set.Bytes.AsSpan(i * 128, 128), query)), $"slot {i}");
            }
        }

        Assert.That(sums.AsSpan(64, 64).ToArray(), Has.All.EqualTo(-1), "a block without wanted slots");
    }

    [Test]
    public void Quantise_ZeroQuery_HasNoScale()
    {
        ByteQuery terms = ByteQuery.Quantise(new float[100], new short[128]);

        Assert.That(terms, Is.EqualTo(new ByteQuery(0, 0, 0)));
    }

    private static void AssertDots(sbyte[] codes, short[] query, long expected)
    {
        Assert.That(ByteScan.DotScalar(codes, query), Is.EqualTo(expected));
        Assert.That(ByteScan.DotVector128(codes, query), Is.EqualTo(expected));
        Assert.That(ByteScan.Dot(codes, query), Is.EqualTo(expected));
        if (Avx2.IsSupported)
        {
            int[] sums = new int[4];
            ByteScan.FourRowsAvx2(codes, query, sums);
            Assert.That(sums, Has.All.EqualTo(expected));
        }
    }

    private static void AssertBoundsHold(KernelSet set, List<float[]> queries)
    {
        foreach (float[] query in queries)
        {
            (float Upper, float Lower)[] bounds = set.ByteBoundsOf(query);
            for (int i = 0; i < bounds.Length; i++)
            {
                double truth = KernelData.Cosine(query, set.Vectors[i]);
                if (!(bounds[i].Upper >= truth && bounds[i].Lower <= truth))
                {
                    Assert.Fail($"Slot {i}: {truth} is outside {bounds[i].Lower} .. {bounds[i].Upper}");
                }
            }
        }
    }
}
