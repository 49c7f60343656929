using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Moorcheh.Benchmarks.Data;

/// <summary>Rows to search in and queries to search for.</summary>
internal sealed class VectorSet
{
    private readonly float[] _rows;
    private readonly float[] _queries;

    private VectorSet(string name, int dimension, float[] rows, float[] queries)
    {
        Name = name;
        Dimension = dimension;
        _rows = rows;
        _queries = queries;
    }

    public string Name { get; }

    public int Dimension { get; }

    public int Count => _rows.Length / Dimension;

    public int Queries => _queries.Length / Dimension;

    public static VectorSet Synthetic(string shape, int count, int dimension, int queries, int seed)
    {
        SyntheticShape chosen = shape switch
        {
            "standard" => SyntheticShape.Standard,
            "hard" => SyntheticShape.Hard,
            "harder" => SyntheticShape.Harder,
            "isotropic" => SyntheticShape.Isotropic,
            "collapsed" => SyntheticShape.Collapsed,
            _ => throw new ArgumentException($"There is no data set '{shape}'; use standard, hard, harder, isotropic or collapsed."),
        };
        var source = new SyntheticVectors(chosen, dimension, (ulong)seed);
        float[] rows = new float[checked(count * dimension)];
        Parallel.For(0, count, i => source.Fill(i, rows.AsSpan(i * dimension, dimension)));
        float[] asked = new float[queries * dimension];
        for (int q = 0; q < queries; q++)
        {
            source.FillQuery(q, asked.AsSpan(q * dimension, dimension));
        }

        return new VectorSet(shape, dimension, rows, asked);
    }

    public static VectorSet Read(string file, int dimension, int queries)
    {
        using FileStream stream = File.OpenRead(file);
        long rows = (stream.Length / (dimension * sizeof(float))) - queries;
        float[] stored = new float[checked((int)(rows * dimension))];
        float[] asked = new float[queries * dimension];
        ReadExactly(stream, stored);
        ReadExactly(stream, asked);
        return new VectorSet(Path.GetFileName(file), dimension, stored, asked);
    }

    public ReadOnlyMemory<float> Row(int i) => _rows.AsMemory(i * Dimension, Dimension);

    public ReadOnlyMemory<float> Query(int q) => _queries.AsMemory(q * Dimension, Dimension);

    /// <summary>Scales rows and queries to length 1, for the brute force.</summary>
    public void Normalise()
    {
        Normalise(_rows);
        Normalise(_queries);
    }

    public double Cosine(int i, int q)
    {
        ReadOnlySpan<float> row = Row(i).Span;
        ReadOnlySpan<float> query = Query(q).Span;
        double dot = 0, xx = 0, yy = 0;
        for (int j = 0; j < row.Length; j++)
        {
            dot += (double)row[j] * query[j];
            xx += (double)row[j] * row[j];
            yy += (double)query[j] * query[j];
        }

        return dot / Math.Sqrt(xx * yy);
    }

    // One read of more than 2 GB is more than a stream takes.
    private static void ReadExactly(FileStream stream, float[] values)
    {
        const int Step = 1 << 20;
        for (int i = 0; i < values.Length; i += Step)
        {
            stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan(i, Math.Min(Step, values.Length - i))));
        }
    }

    private void Normalise(float[] values)
    {
        for (int i = 0; i < values.Length; i += Dimension)
        {
            Span<float> row = values.AsSpan(i, Dimension);
            float norm = TensorPrimitives.Norm<float>(row);
            if (norm > 0)
            {
                TensorPrimitives.Divide(row, norm, row);
            }
        }
    }
}
