using Moorcheh.Kernels;

namespace Moorcheh.Testing;

/// <summary>The shape of a set of synthetic embeddings: see <see cref="SyntheticVectors"/>.</summary>
/// <param name="Decay">s: coordinate i of every part has a variance proportional to i^-s before the rotation.</param>
/// <param name="Mean">mu: length of the direction that all vectors share.</param>
/// <param name="TopicWeight">w1: weight of the topic's own vector.</param>
/// <param name="SubtopicWeight">w2: weight of the subtopic's.</param>
/// <param name="NoiseWeight">w3: weight of what only this vector has.</param>
/// <param name="Topics">Number of topics.</param>
/// <param name="Subtopics">Number of subtopics of each topic.</param>
internal sealed record SyntheticShape(
    double Decay, double Mean, double TopicWeight, double SubtopicWeight, double NoiseWeight, int Topics, int Subtopics)
{
    /// <summary>The everyday set; the tenth of 100,000 neighbours has a cosine of about 0.675 at 1,024 dimensions.</summary>
    public static SyntheticShape Standard { get; } = new(1.0, 0.8, 0.4, 0.4, 1.0, 100, 4);

    /// <summary>At 1,000,000 x 1,024 it reproduces the one-bit recall published for Cohere v3 embeddings.</summary>
    public static SyntheticShape Hard { get; } = new(0.9, 0.9, 0.35, 0.35, 1.0, 100, 10);

    /// <summary>Small gaps between neighbours.</summary>
    public static SyntheticShape Harder { get; } = new(0.7, 1.0, 0.3, 0.3, 1.0, 100, 4);

    /// <summary>No structure at all: neighbours cannot be told apart by any bound.</summary>
    public static SyntheticShape Isotropic { get; } = new(0, 0, 0, 0, 1.0, 1, 1);

    /// <summary>Nearly all vectors point the same way, as some embedding models do.</summary>
    public static SyntheticShape Collapsed { get; } = new(1.0, 3, 0.4, 0.4, 1.0, 100, 4);
}

/// <summary>Seeded unit vectors that are distributed like text embeddings. Any vector can be asked for by its index.</summary>
/// <remarks>
/// <c>x = normalise(mu m + T(w1 A_t + w2 B_ts + f w3 N))</c>: A, B and N have independent normal coordinates of variance
/// proportional to i^-s with sum 1, T is a seeded orthogonal transform, m a random unit vector, topic and subtopic follow a skewed law
/// (u^1.3), and f is uniform in 0.6 .. 1.4. Queries come from the same topics with noise of their own. Where the length is not a
/// multiple of 64 the transform's last coordinates are cut off.
/// </remarks>
internal sealed class SyntheticVectors
{
    private const ulong QueryStream = 1UL << 62;
    private const int QuantileBits = 16;
    private static readonly float[] Quantiles = BuildQuantiles();

    private readonly SyntheticShape _shape;
    private readonly ulong _seed;
    private readonly float[] _deviations;
    private readonly float[] _mean;
    private readonly float[] _topics;
    private readonly float[] _subtopics;
    private readonly ulong[] _signs;

    /// <summary>Prepares the topics.</summary>
    public SyntheticVectors(SyntheticShape shape, int dimension, ulong seed)
    {
        _shape = shape;
        _seed = seed;
        Dimension = dimension;
        int padded = BlockLayout.PaddedDimension(dimension);
        _signs = new ulong[Rotation.SignWords(padded)];
        Rotation.FillSigns(_signs, Mix(seed, 1));

        _deviations = new float[padded];
        double sum = 0;
        for (int i = 0; i < padded; i++)
        {
            sum += Math.Pow(i + 1, -shape.Decay);
        }

        for (int i = 0; i < padded; i++)
        {
            _deviations[i] = (float)Math.Sqrt(Math.Pow(i + 1, -shape.Decay) / sum);
        }

        _mean = new float[padded];
        AddNormal(_mean, Mix(seed, 2), 1, weighted: false);
        Normalise(_mean.AsSpan(0, dimension), shape.Mean);

        _topics = new float[shape.Topics * padded];
        _subtopics = new float[shape.Topics * shape.Subtopics * padded];
        for (int t = 0; t < shape.Topics; t++)
        {
            AddNormal(_topics.AsSpan(t * padded, padded), Mix(seed, 1000 + (ulong)t), (float)shape.TopicWeight);
        }

        for (int t = 0; t < shape.Topics * shape.Subtopics; t++)
        {
            AddNormal(_subtopics.AsSpan(t * padded, padded), Mix(seed, 1_000_000 + (ulong)t), (float)shape.SubtopicWeight);
        }
    }

    /// <summary>Values of a vector.</summary>
    public int Dimension { get; }

    /// <summary>Writes the stored vectors <c>first ..</c>, as many as fit into <paramref name="rows"/>.</summary>
    public void Fill(long first, Span<float> rows)
    {
        Span<float> padded = new float[_mean.Length];
        for (int i = 0; i < rows.Length / Dimension; i++)
        {
            Write((ulong)(first + i), padded, rows.Slice(i * Dimension, Dimension));
        }
    }

    /// <summary>Writes query number <paramref name="index"/>.</summary>
    public void FillQuery(long index, Span<float> query) => Write(QueryStream + (ulong)index, new float[_mean.Length], query);

    /// <summary>A new array of <paramref name="count"/> stored vectors.</summary>
    public float[] Rows(int count)
    {
        float[] rows = new float[checked(count * Dimension)];
        Fill(0, rows);
        return rows;
    }

    private void Write(ulong index, Span<float> padded, Span<float> row)
    {
        ulong seed = Mix(_seed, index ^ 0x5EED_0000_0000_0000);
        double t = Math.Pow(Uniform(seed, 0), 1.3);
        double s = Math.Pow(Uniform(seed, 1), 1.3);
        int topic = Math.Min((int)(t * _shape.Topics), _shape.Topics - 1);
        int subtopic = Math.Min((int)(s * _shape.Subtopics), _shape.Subtopics - 1);
        float spread = (float)(0.6 + (0.8 * Uniform(seed, 2)));

        ReadOnlySpan<float> a = _topics.AsSpan(topic * padded.Length, padded.Length);
        ReadOnlySpan<float> b = _subtopics.AsSpan(((topic * _shape.Subtopics) + subtopic) * padded.Length, padded.Length);
        for (int i = 0; i < padded.Length; i++)
        {
            padded[i] = a[i] + b[i];
        }

        AddNormal(padded, Mix(seed, 3), spread * (float)_shape.NoiseWeight);
        Rotation.Apply(padded, _signs);
        for (int i = 0; i < row.Length; i++)
        {
            row[i] = padded[i] + _mean[i];
        }

        Normalise(row, 1);
    }

    private void AddNormal(Span<float> values, ulong seed, float weight, bool weighted = true)
    {
        for (int i = 0; i < values.Length; i += 4)
        {
            ulong bits = SplitMix64.At(seed, (ulong)i);
            for (int j = 0; j < 4; j++)
            {
                float deviation = weighted ? _deviations[i + j] : 1;
                values[i + j] += weight * deviation * Quantiles[(int)(bits & 0xFFFF)];
                bits >>= QuantileBits;
            }
        }
    }

    private static void Normalise(Span<float> values, double length)
    {
        double norm = Math.Sqrt(DoubleSums.Dot(values, values));
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = norm == 0 ? 0 : (float)(values[i] * (length / norm));
        }
    }

    private static ulong Mix(ulong seed, ulong stream) => SplitMix64.At(seed, stream);

    private static double Uniform(ulong seed, ulong index) => (SplitMix64.At(seed, index) >> 11) * (1.0 / (1UL << 53));

    /// <summary>Normal deviates by table: the quantiles of 65,536 equal shares, which end at 4.3 deviations.</summary>
    private static float[] BuildQuantiles()
    {
        float[] table = new float[1 << QuantileBits];
        for (int i = 0; i < table.Length; i++)
        {
            table[i] = (float)InverseNormal((i + 0.5) / table.Length);
        }

        return table;
    }

    /// <summary>The normal quantile, within 4.5e-4 (Abramowitz and Stegun 26.2.23): enough for test data.</summary>
    private static double InverseNormal(double p)
    {
        double tail = Math.Min(p, 1 - p);
        double u = Math.Sqrt(-2 * Math.Log(tail));
        double x = u - ((2.515517 + (0.802853 * u) + (0.010328 * u * u))
            / (1 + (1.432788 * u) + (0.189269 * u * u) + (0.001308 * u * u * u)));
        return p < 0.5 ? -x : x;
    }
}
