using Moorcheh.Storage;

namespace Moorcheh;

/// <summary>Identifies the embedder that made a vector. Vectors of different fingerprints are never compared.</summary>
/// <param name="Provider">Provider name, for example <c>onnx</c>.</param>
/// <param name="Model">Model id, for example <c>snowflake-arctic-embed-xs</c>.</param>
/// <param name="Dimension">Values per vector.</param>
public sealed record EmbedderFingerprint(string Provider, string Model, int Dimension)
{
    /// <summary>The name used in messages: <c>provider/model</c>.</summary>
    public string Name => $"{Provider}/{Model}";

    internal static void Write(ByteWriter writer, EmbedderFingerprint? embedder)
    {
        writer.Int32(embedder?.Dimension ?? 0);
        if (embedder is not null)
        {
            writer.String(embedder.Provider);
            writer.String(embedder.Model);
        }
    }

    internal static EmbedderFingerprint? Read(ref ByteReader reader)
    {
        int dimension = reader.Int32();
        return dimension == 0 ? null : new EmbedderFingerprint(reader.String(), reader.String(), dimension);
    }
}
