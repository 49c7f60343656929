using Moorcheh.Kernels;

namespace Moorcheh.Tests.Kernels;

/// <summary>Seeded inputs for the kernel tests, made without the kernels' own vector code.</summary>
internal static class KernelData
{
    /// <summary>Below, at and above the widths of the kernels: lanes of 4 and 8, granules of 64, units of 1,024 dimensions.</summary>
    public static readonly int[] Dimensions = [1, 3, 63, 64, 65, 100, 384, 512, 768, 1000, 1024, 1028, 1536, 4096, 16384];

    public const ulong Seed = 42;

    public static float[] Uniform(int length, ulong seed)
    {
        float[] values = new float[length];
        for (int i = 0; i < length; i++)
        {
            values[i] = (float)(((SplitMix64.At(seed, (ulong)i) >> 11) * (2.0 / (1UL << 53))) - 1);
        }

        return values;
    }

    public static float[] Unit(int length, ulong seed) => Normalise(Uniform(length, seed));

    public static float[] Normalise(float[] values)
    {
        double norm = Math.Sqrt(Dot(values, values));
        return [.. values.Select(v => norm == 0 ? v : (float)(v / norm))];
    }

    public static float[] OneHot(int length, int at)
    {
        float[] values = new float[length];
        values[at] = 1;
        return values;
    }

    public static double Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
        {
            sum += (double)x[i] * y[i];
        }

        return sum;
    }

    public static double Cosine(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        double product = Dot(x, x) * Dot(y, y);
        return product == 0 ? 0 : Dot(x, y) / Math.Sqrt(product);
    }

    /// <summary>A centre as short as the mean of a real segment.</summary>
    public static float[] Centre(int length) => [.. Unit(length, 77).Select(v => 0.6f * v)];

    public static ulong[] Signs(int dimension)
    {
        ulong[] signs = new ulong[Rotation.SignWords(BlockLayout.PaddedDimension(dimension))];
        Rotation.FillSigns(signs, Seed);
        return signs;
    }

    /// <summary>Ordinary vectors, then awkward ones: zero, the centre's direction, its antipode, one-hot, tiny and signed zeros.</summary>
    public static List<float[]> Vectors(int dimension, int ordinary)
    {
        var vectors = new List<float[]>();
        for (int i = 0; i < ordinary; i++)
        {
            vectors.Add(Unit(dimension, 1000 + (ulong)i));
        }

        float[] centre = Centre(dimension);
        vectors.Add(new float[dimension]);
        vectors.Add(Normalise(centre));
        vectors.Add([.. Normalise(centre).Select(v => -v)]);
        vectors.Add(OneHot(dimension, 0));
        vectors.Add(OneHot(dimension, dimension - 1));
        float[] tiny = OneHot(dimension, dimension / 2);
        for (int i = 0; i < dimension; i++)
        {
            tiny[i] = tiny[i] == 1 ? -1 : (i & 1) == 0 ? float.Epsilon : -0.0f;
        }

        vectors.Add(tiny);
        vectors.Add(Normalise([.. Enumerable.Repeat(1f, dimension)]));
        return vectors;
    }
}
