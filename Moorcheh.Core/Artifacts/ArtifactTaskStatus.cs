namespace Moorcheh.Artifacts;

/// <summary>
/// Status of a task that ingests or deletes an artifact. <see cref="JobStatus.Id"/> is a UUID in lower case with hyphens,
/// <see cref="JobStatus.Namespace"/> the collection.
/// </summary>
public sealed record ArtifactTaskStatus : JobStatus
{
    /// <inheritdoc/>
    public override JobKind Kind => IsIngest ? JobKind.ArtifactIngest : JobKind.ArtifactDelete;

    /// <summary>True for an ingest, false for a delete.</summary>
    public required bool IsIngest { get; init; }

    /// <summary>Name of the artifact in its collection.</summary>
    public required string Artifact { get; init; }

    /// <summary>How far it is.</summary>
    public required ArtifactTaskState TaskState { get; init; }

    /// <summary>One of <see cref="ErrorCodes"/> for a failed task; null otherwise. <see cref="JobStatus.LastError"/> has the text.</summary>
    public string? ErrorCode { get; init; }

    /// <summary>True for an ingest that succeeded without work: the same bytes, file name and metadata were stored already.</summary>
    public bool IsSkipped { get; init; }
}
