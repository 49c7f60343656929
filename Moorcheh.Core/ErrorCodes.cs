namespace Moorcheh;

/// <summary>The codes of <see cref="MoorchehException.Code"/>; the REST adapter sends the same ones.</summary>
public static class ErrorCodes
{
    /// <summary>A required value is missing.</summary>
    public const string MissingField = "missing-field";

    /// <summary>A value is empty that must not be.</summary>
    public const string EmptyField = "empty-field";

    /// <summary>A number lies outside its range.</summary>
    public const string OutOfRange = "out-of-range";

    /// <summary>A namespace name is not legal.</summary>
    public const string InvalidName = "invalid-name";

    /// <summary>A namespace kind is not known.</summary>
    public const string InvalidType = "invalid-type";

    /// <summary>A vector dimension is out of range or not allowed here.</summary>
    public const string InvalidDimension = "invalid-dimension";

    /// <summary>An item id is empty or too long.</summary>
    public const string InvalidId = "invalid-id";

    /// <summary>A text is empty or too long.</summary>
    public const string InvalidText = "invalid-text";

    /// <summary>Metadata is too large or too deep.</summary>
    public const string InvalidMetadata = "invalid-metadata";

    /// <summary>A <see cref="Filter"/> is not well-formed, or larger than it may be.</summary>
    public const string InvalidFilter = "invalid-filter";

    /// <summary>A vector has the wrong number of values.</summary>
    public const string DimensionMismatch = "dimension-mismatch";

    /// <summary>A vector has a value that is not a finite 32-bit float.</summary>
    public const string NonFiniteValue = "non-finite-value";

    /// <summary>An upload has too many entries.</summary>
    public const string TooManyItems = "too-many-items";

    /// <summary>A call names too many ids.</summary>
    public const string TooManyIds = "too-many-ids";

    /// <summary>A search names too many namespaces.</summary>
    public const string TooManyNamespaces = "too-many-namespaces";

    /// <summary>A text query is too long.</summary>
    public const string QueryTooLong = "query-too-long";

    /// <summary>The namespace holds the other kind of items.</summary>
    public const string WrongNamespaceType = "wrong-namespace-type";

    /// <summary>There is no such namespace.</summary>
    public const string NamespaceNotFound = "namespace-not-found";

    /// <summary>There is no such item.</summary>
    public const string ItemNotFound = "item-not-found";

    /// <summary>The namespace exists already.</summary>
    public const string NamespaceExists = "namespace-exists";

    /// <summary>The namespace is being deleted. Fact <c>JobId</c> when a second delete was refused.</summary>
    public const string NamespaceDeleting = "namespace-deleting";

    /// <summary>A delete of the namespace failed half-way; delete it again.</summary>
    public const string NamespaceDeleteFailed = "namespace-delete-failed";

    /// <summary>The store holds as many namespaces as it may.</summary>
    public const string NamespaceLimitExceeded = "namespace-limit-exceeded";

    /// <summary>New items do not fit. Facts <c>Items</c>, <c>MaxItems</c>, <c>RequestedNew</c>, <c>Reserved</c>.</summary>
    public const string ItemLimitExceeded = "item-limit-exceeded";

    /// <summary>The namespace was embedded with another model than the one configured: see <see cref="MoorchehStore.ReembedNamespaceAsync"/>.</summary>
    public const string EmbeddingModelMismatch = "embedding-model-mismatch";

    /// <summary>The texts of the namespace are being embedded again. Fact <c>JobId</c>.</summary>
    public const string NamespaceReembedding = "namespace-reembedding";

    /// <summary>No embedding generator is configured.</summary>
    public const string EmbedderMissing = "embedder-missing";

    /// <summary>The embedding generator failed.</summary>
    public const string EmbedderFailed = "embedder-failed";

    /// <summary>There is no such job.</summary>
    public const string JobNotFound = "job-not-found";

    /// <summary>The job has ended already.</summary>
    public const string JobFinished = "job-finished";

    /// <summary>A job of this kind cannot be cancelled.</summary>
    public const string JobNotCancellable = "job-not-cancellable";

    /// <summary>An item is a chunk of an artifact, which only the artifact's own calls change. Fact <c>Artifact</c>.</summary>
    public const string ItemOwnedByArtifact = "item-owned-by-artifact";

    /// <summary>A document cannot become an artifact; see <see cref="Artifacts.InvalidFile"/>.</summary>
    public const string InvalidFile = "invalid-file";

    /// <summary>There is no such artifact.</summary>
    public const string ArtifactNotFound = "artifact-not-found";

    /// <summary>An ingest of the artifact is queued or running.</summary>
    public const string ArtifactBusy = "artifact-busy";

    /// <summary>The ingest was ended by a delete of the same artifact.</summary>
    public const string ArtifactRevoked = "artifact-revoked";

    /// <summary>What an address names could not be fetched.</summary>
    public const string UriNotAccessible = "uri-not-accessible";

    /// <summary>Too many unfinished jobs, or too many bytes waiting in them.</summary>
    public const string QueueFull = "queue-full";

    /// <summary>The store is still recovering.</summary>
    public const string NotReady = "not-ready";

    /// <summary>The store is closing.</summary>
    public const string ShuttingDown = "shutting-down";

    /// <summary>There is no room on the disk; nothing was stored, and nothing will be.</summary>
    public const string StorageFull = "storage-full";

    /// <summary>A write or a flush to disk failed; nothing was stored, and nothing will be, until one has succeeded, see <see cref="StoreStatus.ReadOnlyReason"/>.</summary>
    public const string StorageReadOnly = "storage-read-only";

    /// <summary>The journal is as long as it may get, because no checkpoint could be taken; nothing was stored. Facts <c>JournalBytes</c>, <c>MaxJournalBytes</c>.</summary>
    public const string JournalFull = "journal-full";

    /// <summary>The disk failed; nothing was stored, and nothing will be.</summary>
    public const string StorageFailed = "storage-failed";

    /// <summary>A task was given up, since the process ended again and again while it was worked on.</summary>
    public const string ProcessEnded = "process-ended";

    /// <summary>
    /// The disk failed, or the store was closed, while a change was on its way to the disk: it is carried out if it gets there, and then also after a crash.
    /// Facts <c>JobId</c> and <c>NamespaceName</c> when a job or task tells which: its status has <see cref="JobStatus.IsAccepted"/> once it is on disk, and
    /// after a crash there is no such job when it was not. Without these facts what was to be changed tells.
    /// </summary>
    public const string OutcomeUnknown = "outcome-unknown";

    /// <summary>Stored bytes are not what was written. Fact <c>Where</c>.</summary>
    public const string StorageDamaged = "storage-damaged";

    /// <summary>What a <see cref="PinnedItems"/> holds was replaced or removed, and a checkpoint could not wait for it; ask again.</summary>
    public const string ItemGone = "item-gone";

    /// <summary>The directory was written by another format version. Facts <c>Found</c>, <c>Supported</c>.</summary>
    public const string UnsupportedFormat = "unsupported-format";

    /// <summary>The directory is open in another process. Facts <c>ProcessId</c>, <c>Directory</c>.</summary>
    public const string DirectoryLocked = "directory-locked";
}
