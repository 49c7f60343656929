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
    /// Bytes of the ids, vectors, texts and metadata that were removed, as <see cref="NamespaceInfo.StoredBytes"/> counts them; 0 until the job is
    /// completed. The memory of the index is free then; the files shrink when the record log has been compacted, behind later checkpoints.
    /// </summary>
    public required long FreedBytes { get; init; }
}
