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
}
