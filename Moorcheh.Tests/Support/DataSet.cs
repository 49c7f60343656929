namespace Moorcheh.Tests.Support;

/// <summary>Seeded vectors and queries of a shape that has been trouble for some index.</summary>
internal sealed record DataSet(VectorItem[] Items, float[][] Queries)
{
    private const int QueryCount = 6;

    public int Dimension => Queries[0].Length;

    /// <summary>Like text embeddings.</summary>
    public static DataSet Synthetic(SyntheticShape shape, int count, int dimension, ulong seed = 1)
    {
        var source = new SyntheticVectors(shape, dimension, seed);
        float[] rows = source.Rows(count);
        return new DataSet(
            Named(Enumerable.Range(0, count).Select(i => rows[(i * dimension)..((i + 1) * dimension)])),
            [.. Enumerable.Range(0, QueryCount).Select(i =>
            {
                float[] query = new float[dimension];
                source.FillQuery(i, query);
                return query;
            })]);
    }

    /// <summary>No structure: neighbours are hardly nearer than the rest. One query is a stored vector.</summary>
    public static DataSet Gaussian(int count, int dimension, int seed = 1)
    {
        VectorItem[] items = TestVectors.Items(seed, count, dimension);
        float[][] queries = GaussianQueries(seed, dimension);
        return new DataSet(items, count == 0 ? queries : [items[count / 2].Vector.ToArray(), .. queries[1..]]);
    }

    /// <summary>Each of some vectors as it is, twice; in other lengths; and with one value moved by the least step or by a little.</summary>
    public static DataSet Duplicates(int count, int dimension)
    {
        var random = new Random(3);
        List<float[]> vectors = [];
        while (vectors.Count < count)
        {
            float[] vector = TestVectors.Gaussian(random, dimension);
            float[] step = [.. vector];
            float[] near = [.. vector];
            step[random.Next(dimension)] = MathF.BitIncrement(step[random.Next(dimension)]);
            near[random.Next(dimension)] += 1e-4f;
            vectors.AddRange([vector, [.. vector], Scaled(vector, 4), Scaled(vector, 1.1f), step, near]);
        }

        return new DataSet(Named(vectors), [.. vectors.Where((_, i) => i % 6 == 0).Take(QueryCount / 2), .. GaussianQueries(4, dimension)[..(QueryCount / 2)]]);
    }

    /// <summary>Few values that are not zero; one value is the case of one-hot vectors, full of ties.</summary>
    public static DataSet Sparse(int count, int dimension, int values)
    {
        var random = new Random(5);
        return new DataSet(Named(Enumerable.Range(0, count).Select(_ => Make())), [.. Enumerable.Range(0, QueryCount).Select(_ => Make())]);

        float[] Make()
        {
            float[] vector = new float[dimension];
            for (int i = 0; i < values; i++)
            {
                vector[random.Next(dimension)] = values == 1 ? random.Next(2) - 0.5f : TestVectors.Gaussian(random, 1)[0];
            }

            return vector;
        }
    }

    /// <summary>Everything within a space of few dimensions, far from the origin: all that a code sees of most rotated axes is the same.</summary>
    public static DataSet Subspace(int count, int dimension, int rank)
    {
        var random = new Random(6);
        float[][] axes = [.. Enumerable.Range(0, rank).Select(_ => TestVectors.Gaussian(random, dimension))];
        return new DataSet(Named(Enumerable.Range(0, count).Select(_ => Make())), [.. Enumerable.Range(0, QueryCount).Select(_ => Make())]);

        float[] Make()
        {
            float[] vector = Scaled(axes[0], 4);
            foreach (float[] axis in axes)
            {
                float weight = TestVectors.Gaussian(random, 1)[0];
                for (int i = 0; i < dimension; i++)
                {
                    vector[i] += weight * axis[i];
                }
            }

            return vector;
        }
    }

    /// <summary>Lengths from 1e-18 to 1e18, of vectors and of queries.</summary>
    public static DataSet Unnormalised(int count, int dimension)
    {
        var random = new Random(7);
        DataSet unit = Gaussian(count, dimension);
        return new DataSet(
            [.. unit.Items.Select(item => item with { Vector = Scaled(item.Vector.ToArray(), Length()) })],
            [.. unit.Queries.Select(query => Scaled(query, Length()))]);

        float Length() => (float)Math.Pow(10, (random.NextDouble() * 36) - 18);
    }

    /// <summary>Zeros and ones, as a client sends that made its vectors binary itself, and their antipodes.</summary>
    public static DataSet Binary(int count, int dimension)
    {
        var random = new Random(8);
        return new DataSet(
            Named(Enumerable.Range(0, count).Select(i => Make(i % 4 == 0 ? -1 : 1))), [.. Enumerable.Range(0, QueryCount).Select(_ => Make(1))]);

        float[] Make(float one) => [.. Enumerable.Range(0, dimension).Select(_ => random.Next(2) * one)];
    }

    private static float[][] GaussianQueries(int seed, int dimension)
    {
        var random = new Random(seed + 1000);
        return [.. Enumerable.Range(0, QueryCount).Select(_ => TestVectors.Gaussian(random, dimension))];
    }

    private static float[] Scaled(float[] vector, float factor) => [.. vector.Select(value => value * factor)];

    private static VectorItem[] Named(IEnumerable<float[]> vectors) => [.. vectors.Select((vector, i) => new VectorItem($"v{i}", vector))];
}
