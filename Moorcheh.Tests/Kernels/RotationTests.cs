using System.Numerics;
using Moorcheh.Kernels;

namespace Moorcheh.Tests.Kernels;

[TestFixture]
public sealed class RotationTests
{
    private static readonly int[] Padded = [64, 128, 192, 384, 512, 576, 768, 1024, 1536, 1984, 4096, 16384];

    [TestCaseSource(nameof(Padded))]
    public void Apply_TwoVectors_KeepsNormsAndInnerProducts(int dimension)
    {
        float[] x = KernelData.Unit(dimension, 1);
        float[] y = KernelData.Unit(dimension, 2);
        for (int i = 0; i < dimension; i++)
        {
            y[i] = (x[i] + y[i]) / 2;
        }

        double before = KernelData.Dot(x, y);
        double norm = KernelData.Dot(y, y);
        ulong[] signs = KernelData.Signs(dimension);
        Rotation.Apply(x, signs);
        Rotation.Apply(y, signs);

        Assert.Multiple(() =>
        {
            Assert.That(KernelData.Dot(x, x), Is.EqualTo(1).Within(1e-5));
            Assert.That(KernelData.Dot(y, y), Is.EqualTo(norm).Within(1e-5));
            Assert.That(KernelData.Dot(x, y), Is.EqualTo(before).Within(1e-5));
        });
    }

    [TestCaseSource(nameof(Padded))]
    public void Apply_EveryWidth_SameBits(int dimension)
    {
        ulong[] signs = KernelData.Signs(dimension);
        foreach (float scale in new[] { 1f, 1e-42f, 1e30f })
        {
            float[] scalar = [.. KernelData.Uniform(dimension, 3).Select(v => v * scale)];
            scalar[0] = -0.0f;
            scalar[dimension / 2] = float.Epsilon;
            float[] wide = [.. scalar];
            float[] narrow = [.. scalar];
            RotationScalar.Apply(scalar, signs);
            Rotation256.Apply(wide, signs);
            Rotation128.Apply(narrow, signs);

            Assert.That(KernelSet.Raw(wide).SequenceEqual(KernelSet.Raw(scalar)), "256 bits");
            Assert.That(KernelSet.Raw(narrow).SequenceEqual(KernelSet.Raw(scalar)), "128 bits");
        }
    }

    /// <summary>A one-hot vector is the hardest to spread: what is left of it in any one coordinate would bias its code.</summary>
    [TestCaseSource(nameof(Padded))]
    public void Apply_OneHot_SpreadsOverAllCoordinates(int dimension)
    {
        ulong[] signs = KernelData.Signs(dimension);
        double worst = 0;
        for (int i = 0; i < dimension; i += Math.Max(1, dimension / 64))
        {
            float[] x = KernelData.OneHot(dimension, i);
            Rotation.Apply(x, signs);
            worst = Math.Max(worst, x.Max(Math.Abs) * Math.Sqrt(dimension));
        }

        // The largest of 64 * 16384 normal deviates is about 5; a coordinate the rounds do not reach would be far beyond.
        Assert.That(worst, Is.LessThan(6.5));
    }

    [Test]
    public void Apply_WrongLength_Throws()
    {
        Assert.Multiple(() =>
        {
            Assert.That(() => Rotation.Apply(new float[100], new ulong[8]), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => Rotation.Apply(new float[128], new ulong[7]), Throws.ArgumentException);
        });
    }

    [Test]
    public void FillSigns_SameSeed_SameHalfNegative()
    {
        ulong[] signs = KernelData.Signs(1024);

        Assert.That(signs, Is.EqualTo(KernelData.Signs(1024)));
        Assert.That(signs.Sum(BitOperations.PopCount), Is.InRange(1900, 2200));
    }
}
