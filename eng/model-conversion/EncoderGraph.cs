namespace Moorcheh.ModelConversion;

/// <summary>
/// BERT with the vector of the first token as its output, written in the fused operators of ONNX Runtime. Rows are tokens: all but attention
/// works on two dimensions. The last layer computes the first token of each text only: nothing else is asked for.
/// </summary>
internal sealed class EncoderGraph(PublishedModel published, ProductForm form)
{
    private const string Fused = "com.microsoft";
    private const int Opset = 17;
    private const int Layers = 6;
    private const int Heads = 12;
    private const int Width = 384;
    private const int Positions = 512;
    private const float Epsilon = 1e-12f;

    // The least value of GELU, at x = -0.7518.
    private const float LowestGelu = -0.16997f;

    private readonly OnnxGraphWriter _graph = new();
    private readonly int _inner = published.Tensor("encoder.layer.0.intermediate.dense.bias").Length;

    private MatrixProducts _products = null!;
    private string _mask = "";

    public byte[] Build()
    {
        _products = new MatrixProducts(_graph, form);
        string ids = _graph.Input("input_ids", OnnxGraphWriter.Int64, "batch", "tokens");
        string mask = _graph.Input("attention_mask", OnnxGraphWriter.Int64, "batch", "tokens");
        _graph.Output("sentence_embedding", OnnxGraphWriter.Float32, "batch", Width);

        _mask = _graph.Node("Cast", [mask], ("to", OnnxGraphWriter.Int32));
        string texts = ToTexts(Embed(ids), ids);
        for (int layer = 0; layer < Layers - 1; layer++)
            texts = ToTexts(Layer(layer, texts, ToRows(texts), queriesPerText: 0), ids);
        string first = _graph.Node("Gather", [texts, _graph.Longs("first", [], 0)], ("axis", 1));
        _graph.Nodes("Identity", [Layer(Layers - 1, texts, first, queriesPerText: 1)], ["sentence_embedding"], "");
        return _graph.ToModel("snowflake-arctic-embed-xs", Opset, "docs/builtin-model.md says how this was made.");
    }

    private string Embed(string ids)
    {
        float[] words = published.Tensor("embeddings.word_embeddings.weight");
        string word;
        if (form == ProductForm.Float32)
        {
            word = _graph.Node("Gather", [_graph.Floats("words", [words.Length / Width, Width], words), ids]);
        }
        else
        {
            (byte[] rounded, float[] scales) = Rows(words);
            string stored = _graph.Initializer("words", OnnxGraphWriter.Int8, [scales.Length, Width], rounded);
            string values = _graph.Node("Cast", [_graph.Node("Gather", [stored, ids])], ("to", OnnxGraphWriter.Float32));
            word = _graph.Node("Mul", [values, _graph.Node("Gather", [_graph.Floats("words/scales", [scales.Length, 1], scales), ids])]);
        }

        // Every token is of the first sentence, so its type is part of the position.
        float[] positions = published.Tensor("embeddings.position_embeddings.weight");
        float[] types = published.Tensor("embeddings.token_type_embeddings.weight");
        for (int i = 0; i < positions.Length; i++)
            positions[i] += types[i % Width];
        string length = _graph.Node("Gather", [_graph.Node("Shape", [ids]), _graph.Longs("second", [1], 1)]);
        string position = _graph.Node("Slice",
            [_graph.Floats("positions", [Positions, Width], positions), _graph.Longs("from", [1], 0), length, _graph.Longs("axis", [1], 0)]);
        return _graph.Node("LayerNormalization",
            [_graph.Node("Add", [word, position]), Vector("embeddings.LayerNorm.weight"), Vector("embeddings.LayerNorm.bias")],
            ("axis", -1), ("epsilon", Epsilon));
    }

    /// <summary>One layer for the given rows of the texts; gives rows.</summary>
    private string Layer(int layer, string texts, string rows, int queriesPerText)
    {
        string name = $"encoder.layer.{layer}";
        string attention = name + ".attention.self";
        string output = name + ".attention.output";
        MatrixProducts.Operand all = _products.Prepare(ToRows(texts));
        MatrixProducts.Operand asking = queriesPerText == 0 ? all : _products.Prepare(rows);
        string shape = queriesPerText == 0
            ? _graph.Node("Shape", [texts]) : _graph.Longs(_graph.NewName("shape"), [3], -1, queriesPerText, Width);
        string whole = _graph.Node("Shape", [texts]);
        string query = _graph.Node("Reshape", [Product(asking, attention + ".query", Width), shape]);
        string key = _graph.Node("Reshape", [Product(all, attention + ".key", Width), whole]);
        string value = _graph.Node("Reshape", [Product(all, attention + ".value", Width), whole]);
        float[] biases = [.. Bias(attention + ".query"), .. Bias(attention + ".key"), .. Bias(attention + ".value")];
        string attended = _graph.Nodes("MultiHeadAttention",
            [query, key, value, _graph.Floats(attention + "/bias", [biases.Length], biases), _mask],
            [_graph.NewName("Attention")], Fused, ("num_heads", Heads))[0];

        string mixed = Product(_products.Prepare(ToRows(attended)), output + ".dense", Width);
        rows = AddAndNormalize(mixed, rows, output + ".LayerNorm", Bias(output + ".dense"));

        string inner = Product(_products.Prepare(rows), name + ".intermediate.dense", _inner);
        string active = _graph.Nodes("BiasGelu", [inner, Vector(name + ".intermediate.dense.bias")], [_graph.NewName("Gelu")], Fused)[0];
        string outer = Product(_products.Prepare(active, LowestGelu), name + ".output.dense", Width);
        float[] bias = _products.Bias(Bias(name + ".output.dense"), Matrix(name + ".output.dense"), LowestGelu);
        return AddAndNormalize(outer, rows, name + ".output.LayerNorm", bias);
    }

    private string AddAndNormalize(string x, string rows, string name, float[] bias) => _graph.Nodes("SkipLayerNormalization",
        [x, rows, Vector(name + ".weight"), Vector(name + ".bias"), _graph.Floats(name + "/added", [bias.Length], bias)],
        [_graph.NewName("Normalized")], Fused, ("epsilon", Epsilon))[0];

    private string Product(MatrixProducts.Operand x, string module, int columns) => _products.Multiply(x, module, Matrix(module), columns);

    private float[] Matrix(string module) => published.Matrix(module);

    private float[] Bias(string module) => published.Tensor(module + ".bias");

    private string Vector(string name)
    {
        float[] values = published.Tensor(name);
        return _graph.Floats(name, [values.Length], values);
    }

    private string ToRows(string texts) => _graph.Node("Reshape", [texts, _graph.Longs(_graph.NewName("shape"), [2], -1, Width)]);

    /// <summary>Rows as texts by tokens, like the ids.</summary>
    private string ToTexts(string rows, string ids) => _graph.Node("Reshape",
        [rows, _graph.Node("Concat", [_graph.Node("Shape", [ids]), _graph.Longs(_graph.NewName("width"), [1], Width)], ("axis", 0))]);

    /// <summary>Each row with a scale of its own.</summary>
    private static (byte[] Values, float[] Scales) Rows(float[] table)
    {
        var values = new byte[table.Length];
        var scales = new float[table.Length / Width];
        for (int row = 0; row < scales.Length; row++)
        {
            ReadOnlySpan<float> source = table.AsSpan(row * Width, Width);
            float largest = 1e-12f;
            foreach (float value in source)
                largest = Math.Max(largest, Math.Abs(value));
            scales[row] = largest / 127;
            for (int i = 0; i < Width; i++)
                values[(row * Width) + i] = unchecked((byte)(sbyte)MathF.Round(source[i] / scales[row]));
        }
        return (values, scales);
    }
}
