namespace Moorcheh;

/// <summary>
/// Status of an upload job. <c>Successful + Failed &lt;= Processed &lt;= Total</c> always, and all are equal
/// (<c>Successful + Failed = Processed = Total</c>) once the job is completed.
/// </summary>
public sealed record UploadJobStatus : JobStatus
{
    /// <inheritdoc/>
    public override JobKind Kind => JobKind.Upload;

    /// <summary>Entries of the batch.</summary>
    public required int Total { get; init; }

    /// <summary>Entries handled so far.</summary>
    public required int Processed { get; init; }

    /// <summary>Entries stored: on disk, counted, and found by the next search.</summary>
    public required int Successful { get; init; }

    /// <summary>Entries that failed; <see cref="JobStatus.LastError"/> tells the latest reason.</summary>
    public required int Failed { get; init; }
}
