namespace Moorcheh;

/// <summary>Identifies the embedder that made a vector. Vectors of different fingerprints are never compared.</summary>
/// <param name="Provider">Provider name, for example <c>onnx</c>.</param>
/// <param name="Model">Model id, for example <c>use-lite</c>.</param>
/// <param name="Dimension">Values per vector.</param>
public sealed record EmbedderFingerprint(string Provider, string Model, int Dimension)
{
    /// <summary>The name used in messages: <c>provider/model</c>.</summary>
    public string Name => $"{Provider}/{Model}";
}
