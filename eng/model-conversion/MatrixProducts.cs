namespace Moorcheh.ModelConversion;

/// <summary>
/// The products of rows with constant matrices, in three forms: float32 (uncompressed), 16-bit weights, and 8-bit weights with rows
/// rounded to 8 bits as they come. The last computes in integers and takes some 60 % of the time, 30 % where the CPU has VNNI or the like.
/// </summary>
internal sealed class MatrixProducts(OnnxGraphWriter graph, bool compress)
{
    // x86 CPUs without VNNI add two products of an unsigned (row) and a signed (weight) byte in 16 bits, and saturate. These ranges use
    // as much as fits: 2 * 180 * 90 = 32,400 < 32,768. So every CPU computes the same sums.
    private const int WeightTop = 90;
    private const int RowTop = 90;

    private const float Smallest = 1e-12f;   // keeps a row of zeros from a division by zero

    /// <summary>x * kernel + bias. The weights are stored in 16 bits when the model is compressed.</summary>
    public string Gemm(string x, string name, float[] kernel, float[] bias) =>
        graph.Node("Gemm", [x, Stored(name, [kernel.Length / bias.Length, bias.Length], kernel), Floats(name + "/bias", bias)]);

    /// <summary>x * kernel + bias, in integers when the model is compressed.</summary>
    /// <param name="x">The rows.</param>
    /// <param name="name">A name for the weights.</param>
    /// <param name="kernel">The matrix, row by row.</param>
    /// <param name="bias">One value for each column.</param>
    /// <param name="notNegative">The rows have no negative values, so that the whole range is for the others.</param>
    /// <param name="largeChannels">Channels of the rows so large that the others would lose their precision: they are computed in float32.</param>
    public string IntegerGemm(string x, string name, float[] kernel, float[] bias, bool notNegative, int[] largeChannels)
    {
        if (!compress)
            return Gemm(x, name, kernel, bias);

        int columns = bias.Length;
        int rows = kernel.Length / columns;
        string added = Floats(name + "/bias", bias);
        if (largeChannels.Length > 0)
        {
            added = LargeChannels(x, name, kernel, columns, largeChannels, added);
            var others = new float[rows];
            Array.Fill(others, 1f);
            foreach (int channel in largeChannels)
                others[channel] = 0f;
            x = graph.Node("Mul", [x, Floats(name + "/others", others)]);
        }

        // Each row has its own scale, so that a text's vector does not depend on the texts beside it.
        string magnitude = notNegative ? x : graph.Node("Abs", [x]);
        string largest = graph.Node("ReduceMax", [magnitude], ("axes", new long[] { 1 }), ("keepdims", 1));
        int zero = notNegative ? 0 : RowTop;
        float step = 1f / (notNegative ? 2 * RowTop : RowTop);
        string scale = graph.Node("Add", [graph.Node("Mul", [largest, Scalar(step)]), Scalar(Smallest)]);
        string scaled = graph.Node("Mul", [x, graph.Node("Reciprocal", [scale])]);
        string rounded = graph.Node("Cast", [graph.Node("Add", [scaled, Scalar(zero + 0.5f)])], ("to", OnnxGraphWriter.UInt8));

        (byte[] weights, float[] scales) = Quantize(kernel, columns);
        string product = graph.Nodes("MatMulIntegerToFloat", [
            rounded,
            graph.Initializer(name, OnnxGraphWriter.Int8, [rows, columns], weights),
            Scalar(1f),
            Floats(name + "/scales", scales),
            graph.Initializer(graph.NewName("zero"), OnnxGraphWriter.UInt8, [], [(byte)zero])], [graph.NewName("IntegerGemm")], "com.microsoft")[0];
        return graph.Node("Add", [graph.Node("Mul", [product, scale]), added]);
    }

    /// <summary>Stored as they are, or in 16 bits with a cast that ONNX Runtime computes once, when it loads the model.</summary>
    private string Stored(string name, long[] shape, float[] values) => compress
        ? graph.Node("Cast", [graph.Halves(name, shape, values)], ("to", OnnxGraphWriter.Float32))
        : graph.Floats(name, shape, values);

    /// <summary>The bias plus the share of the large channels, whose weights become zero.</summary>
    private string LargeChannels(string x, string name, float[] kernel, int columns, int[] channels, string bias)
    {
        var large = new float[channels.Length * columns];
        for (int i = 0; i < channels.Length; i++)
        {
            Span<float> row = kernel.AsSpan(channels[i] * columns, columns);
            row.CopyTo(large.AsSpan(i * columns));
            row.Clear();
        }
        string indexes = graph.Longs(graph.NewName("channels"), [channels.Length], [.. channels.Select(channel => (long)channel)]);
        string picked = graph.Node("Gather", [x, indexes], ("axis", 1));
        return graph.Node("Gemm", [picked, graph.Floats(name + "/large", [channels.Length, columns], large), bias]);
    }

    /// <summary>Each column with a scale of its own, the largest weight at the top of the range.</summary>
    private static (byte[] Weights, float[] Scales) Quantize(float[] kernel, int columns)
    {
        var weights = new byte[kernel.Length];
        var scales = new float[columns];
        for (int column = 0; column < columns; column++)
        {
            float largest = 0;
            for (int i = column; i < kernel.Length; i += columns)
                largest = Math.Max(largest, Math.Abs(kernel[i]));
            scales[column] = largest / WeightTop;
            for (int i = column; i < kernel.Length; i += columns)
                weights[i] = (byte)(sbyte)MathF.Round(kernel[i] / scales[column]);
        }
        return (weights, scales);
    }

    private string Floats(string name, float[] values) => graph.Floats(name, [values.Length], values);

    private string Scalar(float value) => graph.Floats(graph.NewName("scalar"), [], [value]);
}
