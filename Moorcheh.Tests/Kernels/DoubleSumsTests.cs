using Moorcheh.Kernels;

namespace Moorcheh.Tests.Kernels;

[TestFixture]
public sealed class DoubleSumsTests
{
    [Test]
    public void Sums_EveryLength_SameBitsAndClose()
    {
        for (int length = 0; length < 70; length++)
        {
            float[] x = KernelData.Uniform(length, 1);
            float[] y = KernelData.Uniform(length, 2);

            Assert.That(DoubleSums.DotVector128(x, y), Is.EqualTo(DoubleSums.DotScalar(x, y)));
            Assert.That(DoubleSums.MagnitudesVector128(x), Is.EqualTo(DoubleSums.MagnitudesScalar(x)));
            Assert.That(DoubleSums.Dot(x, y), Is.EqualTo(KernelData.Dot(x, y)).Within(1e-12));
            Assert.That(DoubleSums.Magnitudes(x), Is.EqualTo(x.Sum(v => Math.Abs((double)v))).Within(1e-12));
        }
    }

    [Test]
    public void Dot_UnequalLengths_Throws() =>
        Assert.That(() => DoubleSums.Dot(new float[3], new float[4]), Throws.ArgumentException);
}
