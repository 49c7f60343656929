namespace Moorcheh.ModelConversion;

/// <summary>
/// Universal Sentence Encoder lite as a dense ONNX graph: token ids and mask in, one vector a text out, not yet divided by its norm.
/// Everything but the attention works on rows of tokens, so that each matrix product is one large one.
/// </summary>
/// <remarks>
/// Compressed, what takes the time (the second layer, the inner matrices of the first) has 8-bit weights and computes in integers; the rest
/// has 16-bit weights and computes in float32. The first layer's attention is left so because it costs little, and in integers it would
/// triple the error.
/// </remarks>
internal sealed class SentenceEncoderGraph(PublishedWeights weights, bool compress)
{
    public const int MaxTokens = 128;

    private const int VocabularyRows = 8002;
    private const int EmbeddingWidth = 256;
    private const int Width = 512;
    private const int InnerWidth = 1536;
    private const int Heads = 4;
    private const int Opset = 13;
    private const float Epsilon = 1e-6f;
    private const float MaskedScore = -1e9f;

    // After layer norm these two channels reach 18 and 11 for every text tried, the others 4.
    private static readonly int[] LargeChannels = [5, 174];

    private const string Encoder = "module_apply_default/Encoder_en/KonaTransformer/Encode/";

    private readonly OnnxGraphWriter _graph = new();
    private MatrixProducts Products => field ??= new MatrixProducts(_graph, compress);

    public byte[] Build()
    {
        string ids = _graph.Input("input_ids", OnnxGraphWriter.Int64, "batch", "tokens");
        string mask = ToFloat32(_graph.Input("attention_mask", OnnxGraphWriter.Int64, "batch", "tokens"));

        string shape = Node("Shape", [ids]);
        string tokens = Node("Slice", [shape, Longs("one", 1), Longs("two", 2), Longs("zero", 0)]);
        string bias = Node("Unsqueeze", [
            Node("Mul", [Node("Sub", [mask, Scalar("unity", 1f)]), Scalar("minus_masked_score", -MaskedScore)]), Longs("heads_and_queries", 1, 2)]);

        string x = Node("Add", [Embed(ids), Node("Slice", [Timing(), "zero", tokens, "zero"])]);
        x = Reshape(x, -1, EmbeddingWidth);
        for (int layer = 0; layer < 2; layer++)
            x = Layer(layer, x, layer == 0 ? EmbeddingWidth : Width, shape, bias);

        string rows = Node("Reshape", [x, Node("Concat", [shape, Longs("width", Width)], ("axis", 0))]);
        string count = Node("ReduceSum", [mask, "one"], ("keepdims", 1));
        string column = Node("Unsqueeze", [Node("Div", [mask, count]), "one"]);   // batch, 1, tokens
        string mean = Reshape(Node("MatMul", [column, rows]), -1, Width);

        const string tanh = "module/Encoder_en/hidden_layers/tanh_layer_0/";
        string hidden = Products.Gemm(mean, tanh + "weights", weights.Get(tanh + "weights", Width * Width), weights.Get(tanh + "bias", Width));
        _graph.Nodes("Tanh", [hidden], ["sentence_embedding"], "");   // the caller divides by the norm
        _graph.Output("sentence_embedding", OnnxGraphWriter.Float32, "batch", Width);
        return _graph.ToModel("use-lite", Opset, "Universal Sentence Encoder lite, English. Apache-2.0. See NOTICE beside this file.");
    }

    private string Layer(int layer, string x, int width, string shape, string bias)
    {
        string scope = $"{Encoder}Layer_{layer}/TransformerLayer/";
        string stack = $"{Encoder}TransformerStack/Layer_{layer}/TransformerLayer/";
        string variables = $"module/Encoder_en/KonaTransformer/Encode/Layer_{layer}/TransformerLayer/MultiheadAttention/";

        string attended = Attention(layer, x, scope, variables, stack, width, shape, bias);
        const string dense = "dense/kernel/ConcatPartitions/concat", denseBias = "dense/bias/ConcatPartitions/concat";
        string residual = layer == 0
            ? Products.Gemm(x, scope + dense, weights.Get(scope + dense, EmbeddingWidth * Width), weights.Get(scope + denseBias, Width))
            : x;
        x = Node("Add", [attended, residual]);

        const string first = "FFN/conv1/Tensordot/Reshape_1", firstBias = "FFN/conv1/bias/ConcatPartitions/concat";
        const string second = "FFN/conv2/Tensordot/Reshape_1", secondBias = "FFN/conv2/bias/ConcatPartitions/concat";
        (string normalized, float[] kernel, float[] offset) = LayerNorm(x, scope + "FFN/layer_prepostprocess/layer_norm/",
            weights.Get(stack + first, Width * InnerWidth), weights.Get(scope + firstBias, InnerWidth));
        string inner = Node("Relu", [Products.IntegerGemm(normalized, stack + first, kernel, offset, notNegative: false, LargeChannels)]);
        string outer = Products.IntegerGemm(inner, stack + second, weights.Get(stack + second, InnerWidth * Width),
            weights.Get(scope + secondBias, Width), notNegative: true, []);
        return Node("Add", [outer, x]);
    }

    private string Attention(int layer, string x, string scope, string variables, string stack, int width, string shape, string bias)
    {
        float[] kernel = weights.Get(variables + "qkv_transform_single/kernel/part_0", width * 3 * width);
        float[] offset = weights.Get(scope + "MultiheadAttention/qkv_transform_single/bias/ConcatPartitions/concat", 3 * width);

        // The scale of the queries goes into their weights.
        float scale = weights.Get(stack + "MultiheadAttention/mul/y", 1)[0];
        for (int column = 0; column < width; column++)
        {
            offset[column] *= scale;
            for (int row = 0; row < width; row++)
                kernel[(row * 3 * width) + column] *= scale;
        }

        (string normalized, kernel, offset) = LayerNorm(x, scope + "layer_prepostprocess/layer_norm/", kernel, offset);
        string qkv = layer == 0
            ? Products.Gemm(normalized, variables + "qkv", kernel, offset)
            : Products.IntegerGemm(normalized, variables + "qkv", kernel, offset, notNegative: false, LargeChannels);
        string heads = Node("Reshape", [qkv, Node("Concat", [shape, Longs($"heads_{width}", 3, Heads, width / Heads)], ("axis", 0))]);
        string q = Head(heads, 0, [0, 2, 1, 3]);
        string k = Head(heads, 1, [0, 2, 3, 1]);
        string v = Head(heads, 2, [0, 2, 1, 3]);

        string scores = Node("Softmax", [Node("Add", [Node("MatMul", [q, k]), bias])], ("axis", -1));
        string combined = Reshape(Node("Transpose", [Node("MatMul", [scores, v])], ("perm", new long[] { 0, 2, 1, 3 })), -1, width);

        const string output = "output_transform_single/kernel/part_0", outputBias = "MultiheadAttention/output_transform_single/bias/ConcatPartitions/concat";
        float[] last = weights.Get(variables + output, width * Width);
        float[] lastOffset = weights.Get(scope + outputBias, Width);
        return layer == 0
            ? Products.Gemm(combined, variables + output, last, lastOffset)
            : Products.IntegerGemm(combined, variables + output, last, lastOffset, notNegative: false, []);
    }

    private string Head(string heads, int which, long[] order)
    {
        string index = _graph.Longs(_graph.NewName("which"), [], which);
        return Node("Transpose", [Node("Gather", [heads, index], ("axis", 2))], ("perm", order));
    }

    /// <summary>
    /// Layer norm of the rows before a matrix product. The norm's scale and bias go into the matrix and its bias, and the rest is written
    /// out, because ONNX Runtime's LayerNormalization takes four times as long on a CPU (8 % of the network in float32).
    /// </summary>
    private (string Rows, float[] Kernel, float[] Offset) LayerNorm(string x, string norm, float[] kernel, float[] offset)
    {
        int columns = offset.Length;
        int width = kernel.Length / columns;
        float[] scale = weights.Get(norm + "layer_norm_scale/ConcatPartitions/concat", width);
        float[] shift = weights.Get(norm + "layer_norm_bias/ConcatPartitions/concat", width);
        for (int column = 0; column < columns; column++)
        {
            double sum = offset[column];
            for (int row = 0; row < width; row++)
            {
                ref float weight = ref kernel[(row * columns) + column];
                sum += (double)shift[row] * weight;
                weight *= scale[row];
            }
            offset[column] = (float)sum;
        }

        string centered = Node("Sub", [x, Node("ReduceMean", [x], ("axes", new long[] { 1 }), ("keepdims", 1))]);
        string squares = Node("ReduceSumSquare", [centered], ("axes", new long[] { 1 }), ("keepdims", 1));
        string variance = Node("Mul", [squares, Scalar(_graph.NewName("share"), 1f / width)]);
        string deviation = Node("Sqrt", [Node("Add", [variance, Scalar(_graph.NewName("epsilon"), Epsilon)])]);
        return (Node("Mul", [centered, Node("Reciprocal", [deviation])]), kernel, offset);
    }

    /// <summary>The embeddings, doubled as the network wants them, of the ids.</summary>
    private string Embed(string ids)
    {
        float[] table = weights.Get("module/Embeddings_en", VocabularyRows * EmbeddingWidth);
        for (int i = 0; i < table.Length; i++)
            table[i] *= 2f;
        if (!compress)
            return Node("Gather", [Floats("embeddings", [VocabularyRows, EmbeddingWidth], table), ids]);
        return ToFloat32(Node("Gather", [_graph.Halves("embeddings", [VocabularyRows, EmbeddingWidth], table), ids]));
    }

    /// <summary>The sines and cosines that tell a token its position, for every position there is.</summary>
    private string Timing()
    {
        float[] rates = weights.Get(Encoder + "TransformerStack/Layer_0/AddTimingSignal/TimingSignal/ExpandDims_1", EmbeddingWidth / 2);
        var timing = new float[MaxTokens * EmbeddingWidth];
        for (int position = 0; position < MaxTokens; position++)
        {
            Span<float> row = timing.AsSpan(position * EmbeddingWidth, EmbeddingWidth);
            for (int i = 0; i < rates.Length; i++)
            {
                float angle = position * rates[i];
                row[i] = (float)Math.Sin(angle);
                row[i + rates.Length] = (float)Math.Cos(angle);
            }
        }
        return Floats("timing", [MaxTokens, EmbeddingWidth], timing);
    }

    private string Reshape(string x, params long[] shape) => Node("Reshape", [x, _graph.Longs(_graph.NewName("shape"), [shape.Length], shape)]);

    private string ToFloat32(string values) => Node("Cast", [values], ("to", OnnxGraphWriter.Float32));

    private string Floats(string name, long[] shape, float[] values) => _graph.Floats(name, shape, values);

    private string Scalar(string name, float value) => _graph.Floats(name, [], [value]);

    private string Longs(string name, params long[] values) => _graph.Longs(name, [values.Length], values);

    private string Node(string op, string[] inputs, params (string, object)[] attributes) => _graph.Node(op, inputs, attributes);
}
