using System.Runtime.InteropServices;
using System.Text;

namespace Moorcheh.Testing;

/// <summary>
/// Writes an ONNX model: the few messages of onnx.proto we need, in protobuf's wire format. Fields are written in the order of the calls,
/// so the same calls give the same bytes.
/// </summary>
internal sealed class OnnxGraphWriter
{
    public const int Float32 = 1;
    public const int UInt8 = 2;
    public const int Int8 = 3;
    public const int Int32 = 6;
    public const int Int64 = 7;
    public const int Float16 = 10;

    private const int IrVersion = 8;

    private readonly ProtoWriter _nodes = new();
    private readonly ProtoWriter _initializers = new();
    private readonly ProtoWriter _inputs = new();
    private readonly ProtoWriter _outputs = new();

    private int _names;

    /// <summary>Declares an input of the graph. A dimension is a number or a name.</summary>
    public string Input(string name, int elementType, params object[] shape)
    {
        _inputs.Message(11, ValueInfo(name, elementType, shape));
        return name;
    }

    /// <summary>Declares an output of the graph.</summary>
    public void Output(string name, int elementType, params object[] shape) => _outputs.Message(12, ValueInfo(name, elementType, shape));

    /// <summary>Adds a node with one output and returns the output's name.</summary>
    public string Node(string op, string[] inputs, params (string Name, object Value)[] attributes) =>
        Nodes(op, inputs, [NewName(op)], "", attributes)[0];

    /// <summary>Adds a node with the given outputs.</summary>
    public string[] Nodes(string op, string[] inputs, string[] outputs, string domain, params (string Name, object Value)[] attributes)
    {
        var node = new ProtoWriter();
        foreach (string input in inputs)
            node.String(1, input);
        foreach (string output in outputs)
            node.String(2, output);
        node.String(3, outputs[0]);
        node.String(4, op);
        foreach ((string name, object value) in attributes)
            node.Message(5, Attribute(name, value));
        if (domain.Length > 0)
            node.String(7, domain);
        _nodes.Message(1, node);
        return outputs;
    }

    public string Floats(string name, long[] shape, ReadOnlySpan<float> values) =>
        Initializer(name, Float32, shape, MemoryMarshal.AsBytes(values));

    public string Longs(string name, long[] shape, params long[] values) =>
        Initializer(name, Int64, shape, MemoryMarshal.AsBytes<long>(values));

    /// <summary>Stores the values in 16 bits, rounded to nearest, to be followed by a Cast.</summary>
    public string Halves(string name, long[] shape, ReadOnlySpan<float> values)
    {
        var halves = new Half[values.Length];
        for (int i = 0; i < halves.Length; i++)
            halves[i] = (Half)values[i];
        return Initializer(name, Float16, shape, MemoryMarshal.AsBytes<Half>(halves));
    }

    public string Initializer(string name, int elementType, long[] shape, ReadOnlySpan<byte> data)
    {
        var tensor = new ProtoWriter();
        foreach (long size in shape)
            tensor.Varint(1, (ulong)size);
        tensor.Varint(2, (ulong)elementType);
        tensor.String(8, name);
        tensor.Bytes(9, data);
        _initializers.Message(5, tensor);
        return name;
    }

    /// <summary>The model's bytes.</summary>
    public byte[] ToModel(string graphName, int opset, string documentation)
    {
        var graph = new ProtoWriter();
        graph.Raw(_nodes);
        graph.String(2, graphName);
        graph.Raw(_initializers);
        graph.Raw(_inputs);
        graph.Raw(_outputs);

        var model = new ProtoWriter();
        model.Varint(1, IrVersion);
        model.String(2, "moorcheh-model-conversion");
        model.String(6, documentation);
        model.Message(7, graph);
        model.Message(8, OperatorSet("", opset));
        model.Message(8, OperatorSet("com.microsoft", 1));
        return model.ToArray();
    }

    public string NewName(string op) => $"{op}_{_names++}";

    private static ProtoWriter OperatorSet(string domain, int version)
    {
        var set = new ProtoWriter();
        set.String(1, domain);
        set.Varint(2, (ulong)version);
        return set;
    }

    private static ProtoWriter Attribute(string name, object value)
    {
        const int typeFloat = 1, typeInt = 2, typeInts = 7;
        var attribute = new ProtoWriter();
        attribute.String(1, name);
        switch (value)
        {
            case float number:
                attribute.Fixed32(2, BitConverter.SingleToUInt32Bits(number));
                attribute.Varint(20, typeFloat);
                break;
            case long[] numbers:
                foreach (long number in numbers)
                    attribute.Varint(8, (ulong)number);
                attribute.Varint(20, typeInts);
                break;
            default:
                attribute.Varint(3, (ulong)Convert.ToInt64(value, null));
                attribute.Varint(20, typeInt);
                break;
        }
        return attribute;
    }

    private static ProtoWriter ValueInfo(string name, int elementType, object[] shape)
    {
        var dimensions = new ProtoWriter();
        foreach (object size in shape)
        {
            var dimension = new ProtoWriter();
            if (size is string symbol)
                dimension.String(2, symbol);
            else
                dimension.Varint(1, (ulong)Convert.ToInt64(size, null));
            dimensions.Message(1, dimension);
        }
        var tensor = new ProtoWriter();
        tensor.Varint(1, (ulong)elementType);
        tensor.Message(2, dimensions);
        var type = new ProtoWriter();
        type.Message(1, tensor);
        var info = new ProtoWriter();
        info.String(1, name);
        info.Message(2, type);
        return info;
    }

    /// <summary>One protobuf message under construction.</summary>
    private sealed class ProtoWriter
    {
        private readonly MemoryStream _bytes = new();

        public void Varint(int field, ulong value)
        {
            Number((ulong)field << 3);
            Number(value);
        }

        public void Fixed32(int field, uint value)
        {
            Number(((ulong)field << 3) | 5);
            _bytes.Write(BitConverter.GetBytes(value));
        }

        public void Bytes(int field, ReadOnlySpan<byte> value)
        {
            Number(((ulong)field << 3) | 2);
            Number((ulong)value.Length);
            _bytes.Write(value);
        }

        public void String(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

        public void Message(int field, ProtoWriter message) => Bytes(field, message._bytes.GetBuffer().AsSpan(0, (int)message._bytes.Length));

        public void Raw(ProtoWriter fields) => _bytes.Write(fields._bytes.GetBuffer(), 0, (int)fields._bytes.Length);

        public byte[] ToArray() => _bytes.ToArray();

        private void Number(ulong value)
        {
            for (; value >= 0x80; value >>= 7)
                _bytes.WriteByte((byte)(value | 0x80));
            _bytes.WriteByte((byte)value);
        }
    }
}
