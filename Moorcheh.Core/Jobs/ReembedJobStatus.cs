namespace Moorcheh;

/// <summary>
/// Status of a job that embeds the texts of a namespace again. <c>Successful + Failed = Processed &lt;= Total</c>, and
/// <c>Successful = Processed = Total</c> once it is completed. A failed one has left the namespace as it was.
/// </summary>
public sealed record ReembedJobStatus : JobStatus
{
    /// <inheritdoc/>
    public override JobKind Kind => JobKind.Reembed;

    /// <summary>Items in the namespace when the job was accepted; never changes.</summary>
    public required int Total { get; init; }

    /// <summary>Items handled so far; items that came, went or were replaced meanwhile do not raise it beyond <see cref="Total"/>.</summary>
    public required int Processed { get; init; }

    /// <summary>
    /// Items whose new vector is on disk. It begins again at 0 when the store is opened with another embedder, which makes all vectors anew.
    /// </summary>
    public required int Successful { get; init; }

    /// <summary>Items that could not be embedded. As long as one of them is in the namespace, the job ends as <see cref="JobState.Failed"/>.</summary>
    public required int Failed { get; init; }
}
