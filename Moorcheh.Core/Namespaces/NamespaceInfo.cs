namespace Moorcheh;

/// <summary>A namespace as it was at the moment of the call. Immutable.</summary>
public sealed record NamespaceInfo
{
    /// <summary>Case-sensitive name, unique in the store.</summary>
    public required string Name { get; init; }

    /// <summary>Texts or vectors.</summary>
    public required NamespaceKind Kind { get; init; }

    /// <summary>Values per vector, 1 to 16,384; null for a text namespace, whose vectors take the length of its embedder.</summary>
    public required int? Dimension { get; init; }

    /// <summary>Items stored and visible to search.</summary>
    public required long ItemCount { get; init; }

    /// <summary>When the namespace was created (UTC).</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Last change of the namespace or of an item in it (UTC).</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>The embedder that made the stored vectors of a text namespace; null for vectors and for an empty text namespace.</summary>
    public required EmbedderFingerprint? Embedder { get; init; }

    /// <summary>Uploads and re-embeddings of this namespace that have not finished.</summary>
    public required int RunningJobs { get; init; }

    /// <summary>Bytes of the stored items (vectors, texts, metadata and ids), without the overhead of the log.</summary>
    public required long StoredBytes { get; init; }
}
