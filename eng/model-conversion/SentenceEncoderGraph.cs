namespace Moorcheh.ModelConversion;

/// <summary>
/// Universal Sentence Encoder lite as a dense ONNX graph: token ids and mask in, one vector a text out, not yet divided by its norm. Everything but the
/// attention works on rows of tokens, so that each matrix product is one large Gemm.
/// </summary>
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

    private const string Encoder = "module_apply_default/Encoder_en/KonaTransformer/Encode/";

    private readonly OnnxGraphWriter _graph = new();

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
        string hidden = Gemm(mean, Matrix(tanh + "weights", Width, Width), Vector(tanh + "bias", Width));
        _graph.Nodes("Tanh", [hidden], ["sentence_embedding"], "");   // the caller divides by the norm
        _graph.Output("sentence_embedding", OnnxGraphWriter.Float32, "batch", Width);
        return _graph.ToModel("use-lite", Opset, "Universal Sentence Encoder lite, English. Apache-2.0. See NOTICE beside this file.");
    }

    private string Layer(int layer, string x, int width, string shape, string bias)
    {
        string scope = $"{Encoder}Layer_{layer}/TransformerLayer/";
        string stack = $"{Encoder}TransformerStack/Layer_{layer}/TransformerLayer/";
        string variables = $"module/Encoder_en/KonaTransformer/Encode/Layer_{layer}/TransformerLayer/MultiheadAttention/";

        string attended = Attention(x, scope, variables, stack, width, shape, bias);
        string residual = layer == 0
            ? Gemm(x, Matrix(scope + "dense/kernel/ConcatPartitions/concat", EmbeddingWidth, Width), Vector(scope + "dense/bias/ConcatPartitions/concat", Width))
            : x;
        x = Node("Add", [attended, residual]);

        string inner = Node("Relu", [NormalizedGemm(x, scope + "FFN/layer_prepostprocess/layer_norm/", stack + "FFN/conv1/Tensordot/Reshape_1",
            weights.Get(stack + "FFN/conv1/Tensordot/Reshape_1", Width * InnerWidth),
            weights.Get(scope + "FFN/conv1/bias/ConcatPartitions/concat", InnerWidth))]);
        string outer = Gemm(inner, Matrix(stack + "FFN/conv2/Tensordot/Reshape_1", InnerWidth, Width),
            Vector(scope + "FFN/conv2/bias/ConcatPartitions/concat", Width));
        return Node("Add", [outer, x]);
    }

    private string Attention(string x, string scope, string variables, string stack, int width, string shape, string bias)
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

        string qkv = NormalizedGemm(x, scope + "layer_prepostprocess/layer_norm/", variables + "qkv", kernel, offset);
        string heads = Node("Reshape", [qkv, Node("Concat", [shape, Longs($"heads_{width}", 3, Heads, width / Heads)], ("axis", 0))]);
        string q = Head(heads, 0, [0, 2, 1, 3]);
        string k = Head(heads, 1, [0, 2, 3, 1]);
        string v = Head(heads, 2, [0, 2, 1, 3]);

        string scores = Node("Softmax", [Node("Add", [Node("MatMul", [q, k]), bias])], ("axis", -1));
        string combined = Reshape(Node("Transpose", [Node("MatMul", [scores, v])], ("perm", new long[] { 0, 2, 1, 3 })), -1, width);
        return Gemm(combined, Matrix(variables + "output_transform_single/kernel/part_0", width, Width),
            Vector(scope + "MultiheadAttention/output_transform_single/bias/ConcatPartitions/concat", Width));
    }

    private string Head(string heads, int which, long[] order)
    {
        string index = _graph.Longs(_graph.NewName("which"), [], which);
        return Node("Transpose", [Node("Gather", [heads, index], ("axis", 2))], ("perm", order));
    }

    /// <summary>
    /// Layer norm of the rows, then a matrix product. The norm's scale and bias go into the matrix and its bias, and the rest is written
    /// out, because ONNX Runtime's LayerNormalization takes four times as long on a CPU (8 % of the whole network).
    /// </summary>
    private string NormalizedGemm(string x, string norm, string name, float[] kernel, float[] offset)
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
        string normalized = Node("Mul", [centered, Node("Reciprocal", [deviation])]);
        return Gemm(normalized, Halves(name, [width, columns], kernel), Floats(name + "_bias", [columns], offset));
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

    private string Gemm(string x, string matrix, string vector) => Node("Gemm", [x, matrix, vector]);

    private string Reshape(string x, params long[] shape) => Node("Reshape", [x, _graph.Longs(_graph.NewName("shape"), [shape.Length], shape)]);

    private string Matrix(string name, int rows, int columns) => Halves(name, [rows, columns], weights.Get(name, rows * columns));

    private string Vector(string name, int count) => Floats(name, [count], weights.Get(name, count));

    private string Halves(string name, long[] shape, float[] values) =>
        compress ? ToFloat32(_graph.Halves(name, shape, values)) : Floats(name, shape, values);

    /// <summary>ONNX Runtime folds the cast of a constant when it loads the model: only the file is small, the speed is that of float32.</summary>
    private string ToFloat32(string values) => Node("Cast", [values], ("to", OnnxGraphWriter.Float32));

    private string Floats(string name, long[] shape, float[] values) => _graph.Floats(name, shape, values);

    private string Scalar(string name, float value) => _graph.Floats(name, [], [value]);

    private string Longs(string name, params long[] values) => _graph.Longs(name, [values.Length], values);

    private string Node(string op, string[] inputs, params (string, object)[] attributes) => _graph.Node(op, inputs, attributes);
}
