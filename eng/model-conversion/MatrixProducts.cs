namespace Moorcheh.ModelConversion;

/// <summary>How the weights are stored and the products computed. <see cref="Rows"/> is what is shipped, the others are there to compare with.</summary>
internal enum ProductForm
{
    /// <summary>Weights and products in float32.</summary>
    Float32,

    /// <summary>8-bit weights with a scale a column; rows rounded to 8 bits with a scale a row; integer sums.</summary>
    Rows,

    /// <summary>As <see cref="Rows"/>, but one scale for the whole batch: ONNX Runtime's own dynamic quantization.</summary>
    Dynamic,

    /// <summary>8-bit weights with a scale for each block of 32 weights of a column.</summary>
    Blocks,
}

/// <summary>The products of rows with constant matrices. The bias of a layer is added by what comes next, which does so in passing.</summary>
internal sealed class MatrixProducts(OnnxGraphWriter graph, ProductForm form)
{
    // x86 CPUs without VNNI add two products of an unsigned (row) and a signed (weight) byte in 16 bits, and saturate. These ranges use
    // as much as fits: 2 * 180 * 90 = 32,400 < 32,768. So every CPU computes the same sums.
    private const int WeightTop = 90;
    private const int RowTop = 180;
    private const int RowZero = RowTop / 2;

    private const float Smallest = 1e-12f;   // keeps a row of zeros from a division by zero
    private const int Block = 32;

    /// <summary>Rows as the products take them: rounded once, used by several.</summary>
    public readonly record struct Operand(string Values, string Scale, int Zero);

    /// <summary>Prepares rows. Each row has its own scale, so that a text's vector does not depend on the texts beside it.</summary>
    /// <param name="x">Rows of floats, two dimensions.</param>
    /// <param name="lowest">0: negative values are as large as positive ones. Else no value is below this one.</param>
    public Operand Prepare(string x, float lowest = 0)
    {
        if (form != ProductForm.Rows)
            return new Operand(x, "", 0);
        if (lowest == 0)
        {
            string largest = graph.Node("ReduceMax", [graph.Node("Abs", [x])], ("axes", new long[] { 1 }), ("keepdims", 1));
            return Round(x, largest, 1f / RowZero, RowZero);
        }

        // The values begin at zero after this is added; the products get it back by Multiply.
        string shifted = graph.Node("Add", [x, Scalar(-lowest)]);
        string top = graph.Node("ReduceMax", [shifted], ("axes", new long[] { 1 }), ("keepdims", 1));
        return Round(shifted, top, 1f / RowTop, 0);
    }

    /// <summary>The product with a matrix of inputs by outputs, in float32.</summary>
    public string Multiply(Operand x, string name, float[] matrix, int columns)
    {
        int rows = matrix.Length / columns;
        switch (form)
        {
            case ProductForm.Float32:
                return graph.Node("MatMul", [x.Values, graph.Floats(name, [rows, columns], matrix)]);
            case ProductForm.Blocks:
                return Blocks(x.Values, name, matrix, rows, columns);
        }

        (byte[] weights, float[] scales) = Columns(matrix, columns);
        string stored = graph.Initializer(name, OnnxGraphWriter.Int8, [rows, columns], weights);
        string storedScales = graph.Floats(name + "/scales", [columns], scales);
        if (form == ProductForm.Dynamic)
            return graph.Nodes("DynamicQuantizeMatMul", [x.Values, stored, storedScales], [graph.NewName("Product")], "com.microsoft")[0];
        string product = graph.Nodes("MatMulIntegerToFloat",
            [x.Values, stored, Scalar(1f), storedScales, Byte(x.Zero)], [graph.NewName("Product")], "com.microsoft")[0];
        return graph.Node("Mul", [product, x.Scale]);
    }

    /// <summary>What the bias of a layer becomes when its rows were moved up to <paramref name="lowest"/>.</summary>
    public float[] Bias(float[] bias, float[] matrix, float lowest)
    {
        if (form != ProductForm.Rows)
            return bias;
        (byte[] weights, float[] scales) = Columns(matrix, bias.Length);
        var moved = new float[bias.Length];
        for (int column = 0; column < bias.Length; column++)
        {
            long sum = 0;
            for (int i = column; i < weights.Length; i += bias.Length)
                sum += (sbyte)weights[i];
            moved[column] = (float)(bias[column] + ((double)lowest * scales[column] * sum));
        }
        return moved;
    }

    private Operand Round(string x, string largest, float step, int zero)
    {
        string scale = graph.Node("Max", [graph.Node("Mul", [largest, Scalar(step)]), Scalar(Smallest)]);
        string flat = graph.Node("Reshape", [scale, graph.Longs(graph.NewName("shape"), [1], -1)]);
        string zeros = graph.Node("Expand", [Byte(zero), graph.Node("Shape", [flat])]);
        return new Operand(graph.Node("QuantizeLinear", [x, flat, zeros], ("axis", 0)), scale, zero);
    }

    /// <summary>Each column with a scale of its own, the largest weight at the top of the range.</summary>
    private static (byte[] Weights, float[] Scales) Columns(float[] matrix, int columns)
    {
        var weights = new byte[matrix.Length];
        var scales = new float[columns];
        for (int column = 0; column < columns; column++)
        {
            float largest = 0;
            for (int i = column; i < matrix.Length; i += columns)
                largest = Math.Max(largest, Math.Abs(matrix[i]));
            scales[column] = largest / WeightTop;
            for (int i = column; i < matrix.Length; i += columns)
                weights[i] = unchecked((byte)(sbyte)MathF.Round(matrix[i] / scales[column]));
        }
        return (weights, scales);
    }

    private string Blocks(string x, string name, float[] matrix, int rows, int columns)
    {
        var weights = new byte[matrix.Length];
        var scales = new float[matrix.Length / Block];
        for (int column = 0, at = 0; column < columns; column++)
        {
            for (int start = 0; start < rows; start += Block)
            {
                float largest = 0;
                for (int row = start; row < start + Block; row++)
                    largest = Math.Max(largest, Math.Abs(matrix[(row * columns) + column]));
                float scale = scales[at / Block] = largest / 127;
                for (int row = start; row < start + Block; row++)
                    weights[at++] = (byte)(128 + MathF.Round(matrix[(row * columns) + column] / scale));
            }
        }
        string stored = graph.Initializer(name, OnnxGraphWriter.UInt8, [columns, rows / Block, Block], weights);
        return graph.Nodes("MatMulNBits", [x, stored, graph.Floats(name + "/scales", [scales.Length], scales)], [graph.NewName("Product")], "com.microsoft",
            ("K", rows), ("N", columns), ("bits", 8), ("block_size", Block), ("accuracy_level", 4))[0];
    }

    private string Scalar(float value) => graph.Floats(graph.NewName("scalar"), [], [value]);

    private string Byte(int value) => graph.Initializer(graph.NewName("zero"), OnnxGraphWriter.UInt8, [], [(byte)value]);
}
