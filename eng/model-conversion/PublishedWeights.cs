using System.Runtime.InteropServices;
using System.Text.Json;

namespace Moorcheh.ModelConversion;

/// <summary>The weights of a TensorFlow.js graph model: shards concatenated in the order of the manifest in model.json.</summary>
internal sealed class PublishedWeights
{
    private readonly Dictionary<string, (int Offset, int Count)> _places = [];
    private readonly byte[] _data;

    public PublishedWeights(string folder)
    {
        using var shards = new MemoryStream();
        using JsonDocument model = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "model.json")));
        int offset = 0;
        foreach (JsonElement group in model.RootElement.GetProperty("weightsManifest").EnumerateArray())
        {
            foreach (JsonElement path in group.GetProperty("paths").EnumerateArray())
                shards.Write(File.ReadAllBytes(Path.Combine(folder, path.GetString()!)));
            foreach (JsonElement weight in group.GetProperty("weights").EnumerateArray())
            {
                int count = 1;
                foreach (JsonElement size in weight.GetProperty("shape").EnumerateArray())
                    count *= size.GetInt32();
                _places.Add(weight.GetProperty("name").GetString()!, (offset, count));
                offset += count * sizeof(float);   // int32 has the same size
            }
        }
        _data = shards.ToArray();
        if (_data.Length != offset)
            throw new InvalidDataException($"The shards in '{folder}' have {_data.Length} bytes; the manifest describes {offset}.");
    }

    public float[] Get(string name, int expectedCount)
    {
        (int offset, int count) = _places[name];
        if (count != expectedCount)
            throw new InvalidDataException($"Weight '{name}' has {count} values; {expectedCount} are expected.");
        return MemoryMarshal.Cast<byte, float>(_data.AsSpan(offset, count * sizeof(float))).ToArray();
    }
}
