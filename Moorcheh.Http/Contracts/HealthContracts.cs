namespace Moorcheh.Http.Contracts;

/// <summary>Answer of <c>GET /health</c>: always all keys, those of the specification first.</summary>
internal sealed record HealthResponse(
    string Status,
    string EmbeddingProvider,
    string Model,
    string LlmProvider,
    string LlmModel,
    long Items,
    long MaxItems,
    long Remaining,
    IReadOnlyList<string> Problems,
    long? FreeBytes,
    long JournalBytes,
    long MaxJournalBytes,
    IReadOnlyList<HealthLoop> Loops);

/// <summary>Something the store does by itself again and again; <c>last_success</c> is null when there was none yet.</summary>
internal sealed record HealthLoop(string Name, string? LastSuccess, string? Failure);

/// <summary>Answer of <c>GET /livez</c> and <c>GET /readyz</c>.</summary>
internal sealed record ProbeResponse(string Status);
