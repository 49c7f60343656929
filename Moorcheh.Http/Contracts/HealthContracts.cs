namespace Moorcheh.Http.Contracts;

/// <summary>Answer of <c>GET /health</c>: always all eight keys.</summary>
internal sealed record HealthResponse(
    string Status, string EmbeddingProvider, string Model, string LlmProvider, string LlmModel, long Items, long MaxItems, long Remaining);

/// <summary>Answer of <c>GET /livez</c> and <c>GET /readyz</c>.</summary>
internal sealed record ProbeResponse(string Status);
