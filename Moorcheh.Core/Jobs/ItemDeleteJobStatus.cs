namespace Moorcheh;

/// <summary>Status of a delete of the items that pass a filter.</summary>
public sealed record ItemDeleteJobStatus : JobStatus
{
    /// <inheritdoc/>
    public override JobKind Kind => JobKind.DeleteItems;

    /// <summary>Items that passed the filter when the job was accepted; never changes.</summary>
    public required long TotalItems { get; init; }

    /// <summary>
    /// Items deleted so far. In the end it differs from <see cref="TotalItems"/> when uploads and deletes before the job changed what passes, or there are chunks of
    /// artifacts among these items, which stay.
    /// </summary>
    public required long DeletedItems { get; init; }
}
