using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Moorcheh.Benchmarks.Data;

/// <summary>Rows to search in and queries to search for.</summary>
internal sealed class VectorSet
{
    private readonly float[][] _rows;
    private readonly float[][] _queries;

    private VectorSet(string name, int dimension, float[][] rows, float[][] queries)
    {
        Name = name;
        Dimension = dimension;
        _rows = rows;
        _queries = queries;
    }

    public string Name { get; }

    public int Dimension { get; }

    public int Count => _rows.Length;

    public int Queries => _queries.Length;

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
        float[][] rows = new float[count][];
        Parallel.For(0, count, i => source.Fill(i, rows[i] = new float[dimension]));
        float[][] asked = new float[queries][];
        for (int q = 0; q < queries; q++)
        {
            source.FillQuery(q, asked[q] = new float[dimension]);
        }

        return new VectorSet(shape, dimension, rows, asked);
    }

    public static VectorSet Read(string file, int dimension, int queries)
    {
        using FileStream stream = File.OpenRead(file);
        long rows = stream.Length / (dimension * sizeof(float));
        float[][] all = new float[rows][];
        for (long i = 0; i < rows; i++)
        {
            all[i] = new float[dimension];
            stream.ReadExactly(MemoryMarshal.AsBytes(all[i].AsSpan()));
        }

        return new VectorSet(Path.GetFileName(file), dimension, all[..^queries], all[^queries..]);
    }

    public ReadOnlyMemory<float> Row(int i) => _rows[i];

    public ReadOnlyMemory<float> Query(int q) => _queries[q];

    /// <summary>Scales rows and queries to length 1, for the brute force.</summary>
    public void Normalise()
    {
        foreach (float[] row in _rows.Concat(_queries))
        {
            float norm = TensorPrimitives.Norm<float>(row);
            if (norm > 0)
            {
                TensorPrimitives.Divide(row, norm, row);
            }
        }
    }

    public double Cosine(int i, int q)
    {
        double dot = 0, xx = 0, yy = 0;
        for (int j = 0; j < Dimension; j++)
        {
            dot += (double)_rows[i][j] * _queries[q][j];
            xx += (double)_rows[i][j] * _rows[i][j];
            yy += (double)_queries[q][j] * _queries[q][j];
        }

        return dot / Math.Sqrt(xx * yy);
    }
}
