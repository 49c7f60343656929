using Moorcheh.Kernels;

namespace Moorcheh.Tests.Kernels;

[TestFixture]
public sealed class BinaryTierTests
{
    /// <summary>
    /// The whole argument for the bound: over pairs of vectors the error, divided by its predicted scale, behaves as one coordinate of
    /// a random unit vector. The predicted scale includes the factor sqrt(1 - rho^2) that the stored bound leaves out.
    /// </summary>
    [TestCase(100)]
    [TestCase(384)]
    [TestCase(512)]
    [TestCase(1000)]
    [TestCase(1984)]
    public void Bound_SyntheticEmbeddings_ErrorHasThePredictedScale(int dimension)
    {
        KernelSet set = Synthetic(SyntheticShape.Standard, dimension, 2048, out SyntheticVectors source);
        double squares = 0;
        double sum = 0;
        int count = 0;
        int outside3 = 0;
        int outside5 = 0;
        for (int query = 0; query < 24; query++)
        {
            float[] q = new float[dimension];
            source.FillQuery(query, q);
            (float Upper, float Lower)[] bounds = set.BinaryBoundsOf(q, 1);
            float[] residual = [.. q.Zip(set.Centre, (a, b) => a - b)];
            for (int i = 0; i < bounds.Length; i++)
            {
                double truth = KernelData.Cosine(q, set.Vectors[i]);
                double error = ((bounds[i].Upper + bounds[i].Lower) / 2) - truth;
                double scale = ((bounds[i].Upper - bounds[i].Lower) / 2) - BinaryBounds.Slack;
                outside3 += Math.Abs(error) > (3 * scale) + BinaryBounds.Slack ? 1 : 0;
                outside5 += Math.Abs(error) > (5 * scale) + BinaryBounds.Slack ? 1 : 0;
                double rho = KernelData.Cosine(residual, [.. set.Vectors[i].Zip(set.Centre, (a, b) => a - b)]);
                double z = error / (scale * Math.Sqrt(1 - (rho * rho)));
                squares += z * z;
                sum += z;
                count++;
            }
        }

        // One rotation serves all pairs, so they are not independent: the tolerance is what 24 queries and 2,048 slots leave.
        Assert.Multiple(() =>
        {
            Assert.That(Math.Sqrt(squares / count), Is.InRange(0.95, 1.04), "rms of the z-score");
            Assert.That(sum / count, Is.InRange(-0.1, 0.1), "mean of the z-score");
            Assert.That(outside3 / (double)count, Is.LessThan(2 * Math.Exp(-4.5)), "share outside at eps 3");
            Assert.That(outside5, Is.LessThanOrEqualTo(2), "number outside at eps 5");
        });
    }

    [TestCaseSource(typeof(KernelData), nameof(KernelData.Dimensions))]
    public void Bound_AwkwardVectors_HoldsAtEpsilonEight(int dimension)
    {
        // One and three dimensions have few directions to rotate into: eight deviations are no proof there, but the padding to 64
        // makes the error that of 64 dimensions.
        var set = new KernelSet(KernelData.Vectors(dimension, 20), KernelData.Centre(dimension));
        foreach (float[] query in set.Vectors)
        {
            (float Upper, float Lower)[] bounds = set.BinaryBoundsOf(query, 8);
            for (int i = 0; i < bounds.Length; i++)
            {
                double truth = KernelData.Cosine(query, set.Vectors[i]);
                Assert.That(bounds[i].Upper, Is.GreaterThanOrEqualTo(truth), $"slot {i}");
                Assert.That(bounds[i].Lower, Is.LessThanOrEqualTo(truth), $"slot {i}");
            }
        }
    }

    [Test]
    public void Encode_ZeroVector_EstimatesZeroWithoutError()
    {
        var set = new KernelSet([new float[100], KernelData.Unit(100, 1)], KernelData.Centre(100));

        (float Upper, float Lower)[] bounds = set.BinaryBoundsOf(KernelData.Unit(100, 2), 3);

        Assert.That(bounds[0], Is.EqualTo((0f, 0f)));
    }

    [Test]
    public void Encode_VectorIsTheCentre_EstimatesTheInnerProduct()
    {
        float[] centre = KernelData.Unit(100, 1);
        float[] query = KernelData.Unit(100, 2);
        var set = new KernelSet([[.. centre]], centre);

        (float upper, float lower) = set.BinaryBoundsOf(query, 3)[0];

        Assert.Multiple(() =>
        {
            Assert.That(set.Factors[0], Is.Zero);
            Assert.That(set.Factors[64], Is.Zero);
            Assert.That((upper + lower) / 2, Is.EqualTo(KernelData.Cosine(query, centre)).Within(1e-6));
            Assert.That(upper - lower, Is.EqualTo(2 * BinaryBounds.Slack).Within(1e-6));
        });
    }

    [Test]
    public void Build_QueryIsTheCentre_EstimatesTheInnerProduct()
    {
        float[] centre = KernelData.Unit(100, 1);
        var set = new KernelSet(KernelData.Vectors(100, 5), centre);

        (float Upper, float Lower)[] bounds = set.BinaryBoundsOf(centre, 3);

        for (int i = 0; i < bounds.Length; i++)
        {
            Assert.That((bounds[i].Upper + bounds[i].Lower) / 2, Is.EqualTo(KernelData.Cosine(centre, set.Vectors[i])).Within(5e-6));
        }
    }

    /// <summary>The head block is written while others read it: a lane must be all that an encode touches.</summary>
    [TestCase(0)]
    [TestCase(31)]
    [TestCase(63)]
    public void Encode_OneLane_LeavesTheOthersAlone(int lane)
    {
        byte[] codes = [.. Enumerable.Repeat((byte)0xA5, BlockLayout.CodeBytesPerBlock(128))];
        float[] factors = [.. Enumerable.Repeat(7f, BlockLayout.FactorsPerBlock)];
        BinaryEncoder.Encode(KernelData.Unit(100, 5), KernelData.Centre(100), KernelData.Signs(100), new float[128], codes, factors, lane);

        Assert.Multiple(() =>
        {
            Assert.That(Enumerable.Range(0, codes.Length).Where(i => (i & 63) != lane).Select(i => codes[i]), Has.All.EqualTo(0xA5));
            Assert.That(Enumerable.Range(0, factors.Length).Where(i => (i & 63) != lane).Select(i => factors[i]), Has.All.EqualTo(7f));
            Assert.That(factors[lane], Is.InRange(0f, 1f));
        });
    }

    [Test]
    public void WriteSigns_SignedZerosAndInfinities_CountsZeroAsPositive()
    {
        float[] values = new float[64];
        values[1] = -0.0f;
        values[2] = -float.Epsilon;
        values[3] = float.PositiveInfinity;
        values[4] = float.NegativeInfinity;
        values[5] = float.NaN;
        values[6] = -float.NaN;
        byte[] codes = new byte[BlockLayout.CodeBytesPerBlock(64)];
        byte[] scalar = new byte[codes.Length];
        BinaryEncoder.WriteSigns(values, codes, 9);
        BinaryEncoder.WriteSignsScalar(values, scalar, 9);

        Assert.That(codes[9], Is.EqualTo(0b1000_1011));
        Assert.That(codes, Is.EqualTo(scalar));
    }

    [Test]
    public void Encode_WrongSizes_Throws()
    {
        float[] x = new float[100];
        Assert.Multiple(() =>
        {
            Assert.That(() => Encode(x, new float[99], 128, 1024, 0), Throws.ArgumentException);
            Assert.That(() => Encode(x, x, 127, 1024, 0), Throws.ArgumentException);
            Assert.That(() => Encode(x, x, 128, 1023, 0), Throws.ArgumentException);
            Assert.That(() => Encode(x, x, 128, 1024, 64), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => Encode([], [], 128, 1024, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(
                () => Encode(new float[16385], new float[16385], 99999, 999999, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });

        static void Encode(float[] x, float[] centre, int scratch, int codes, int lane) =>
            BinaryEncoder.Encode(x, centre, KernelData.Signs(100), new float[scratch], new byte[codes], new float[128], lane);
    }

    /// <summary>The scan adds the entries of four rows in bytes; the widest choice of entries must not overflow them.</summary>
    [TestCaseSource(typeof(KernelData), nameof(KernelData.Dimensions))]
    public void Build_AnyQuery_FourRowsFitAByte(int dimension)
    {
        var set = new KernelSet([], KernelData.Centre(dimension));
        byte[] tables = new byte[BlockLayout.TableBytes(set.Padded)];
        for (ulong seed = 0; seed < 20; seed++)
        {
            set.Tables(seed == 0 ? KernelData.OneHot(dimension, 0) : KernelData.Unit(dimension, seed), tables, seed);
            for (int step = 0; step < tables.Length; step += 128)
            {
                int widest = Enumerable.Range(0, 8).Sum(g => tables.AsSpan(step + (g * 16), 16).ToArray().Max(b => (int)b));
                Assert.That(widest, Is.LessThanOrEqualTo(255));
            }
        }
    }

    [TestCaseSource(typeof(KernelData), nameof(KernelData.Dimensions))]
    public void Fill_VectorAndScalar_SameTables(int dimension)
    {
        int padded = BlockLayout.PaddedDimension(dimension);
        float[] p = KernelData.Unit(padded, 8);
        byte[] scalar = new byte[BlockLayout.TableBytes(padded)];
        byte[] vector = new byte[scalar.Length];
        float inverse = 100 / p.Max(Math.Abs) / 8;
        QueryTables.FillScalar(p, inverse, 5, scalar);
        QueryTables.FillVector128(p, inverse, 5, vector);

        Assert.That(vector, Is.EqualTo(scalar));
    }

    internal static KernelSet Synthetic(SyntheticShape shape, int dimension, int count, out SyntheticVectors source)
    {
        source = new SyntheticVectors(shape, dimension, 11);
        float[] rows = source.Rows(count);
        float[] centre = new float[dimension];
        var vectors = new List<float[]>();
        for (int i = 0; i < count; i++)
        {
            vectors.Add(rows.AsSpan(i * dimension, dimension).ToArray());
            for (int j = 0; j < dimension; j++)
            {
                centre[j] += rows[(i * dimension) + j] / count;
            }
        }

        return new KernelSet(vectors, centre);
    }
}
