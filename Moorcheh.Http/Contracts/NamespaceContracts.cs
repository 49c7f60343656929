namespace Moorcheh.Http.Contracts;

/// <summary>Answer of <c>POST /namespaces</c>.</summary>
internal sealed record NamespaceCreatedResponse(string Status, string Message, string NamespaceName, string Type, int? VectorDimension);

/// <summary>One namespace of the list.</summary>
internal sealed record NamespaceEntry(string NamespaceName, string Type, int? VectorDimension, long ItemCount, string CreatedAt);

/// <summary>Answer of <c>GET /namespaces/{n}</c>.</summary>
internal sealed record NamespaceResponse(string Status, NamespaceDetails Namespace);

/// <summary>All that is known about one namespace.</summary>
internal sealed record NamespaceDetails(
    string NamespaceName,
    string Type,
    int? VectorDimension,
    long ItemCount,
    string CreatedAt,
    string UpdatedAt,
    string? EmbeddingProvider,
    string? EmbeddingModel,
    int? EmbeddingDimension,
    int RunningJobs,
    long StoredBytes);

/// <summary>Answer of <c>DELETE /namespaces/{n}</c>.</summary>
internal sealed record NamespaceDeleteResponse(string Status, string Message, string JobId, string NamespaceName, long TotalItems);
