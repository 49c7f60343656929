namespace Moorcheh;

/// <summary>Status of a namespace delete.</summary>
public sealed record DeleteJobStatus : JobStatus
{
    /// <inheritdoc/>
    public override JobKind Kind => JobKind.Delete;

    /// <summary>Items in the namespace when the delete started; never changes.</summary>
    public required long TotalItems { get; init; }

    /// <summary>Items removed so far; equals <see cref="TotalItems"/> once the job is completed.</summary>
    public required long DeletedItems { get; init; }

    /// <summary>
    /// Bytes of the ids, vectors, texts and metadata of the items, as <see cref="NamespaceInfo.StoredBytes"/> had them when the delete was accepted, also when an
    /// earlier delete that failed had removed some of them; 0 until the job is completed. No bytes of the disk: the memory of the index is free then, and the
    /// files shrink when the record log has been compacted, behind later checkpoints.
    /// </summary>
    public required long FreedBytes { get; init; }
}
