namespace Moorcheh.Tests.Support;

/// <summary>Seeded vectors.</summary>
internal static class TestVectors
{
    public static float[] Gaussian(Random random, int dimension)
    {
        float[] vector = new float[dimension];
        for (int i = 0; i < dimension; i++)
        {
            double u = 1 - random.NextDouble();
            vector[i] = (float)(Math.Sqrt(-2 * Math.Log(u)) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        return vector;
    }

    public static VectorItem[] Items(int seed, int count, int dimension, string prefix = "v")
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(i => new VectorItem($"{prefix}{i}", Gaussian(random, dimension)))];
    }
}
