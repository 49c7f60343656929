namespace Moorcheh;

/// <summary>Counts and configuration of a store at the moment of the call.</summary>
public sealed record StoreStatus
{
    /// <summary>Stored items over all live namespaces.</summary>
    public required long Items { get; init; }

    /// <summary>Most items the store takes; 0 means no cap.</summary>
    public required long MaxItems { get; init; }

    /// <summary>New items that accepted uploads may still store.</summary>
    public required long ReservedItems { get; init; }

    /// <summary>Live namespaces.</summary>
    public required int Namespaces { get; init; }

    /// <summary>Jobs that have not finished.</summary>
    public required int RunningJobs { get; init; }

    /// <summary>Messages about tasks on artifacts that wait to be sent.</summary>
    public required long WaitingCallbacks { get; init; }

    /// <summary>
    /// How long the oldest step of a job, or the oldest task on an artifact, that is at work now has been at it; zero when none is. Steps take seconds; one
    /// that takes minutes waits for the embedding generator or the disk. A task on a long document may take minutes by itself.
    /// </summary>
    public required TimeSpan LongestStep { get; init; }

    /// <summary>
    /// Times since opening that a part of the record log was read that is not as it was written, or could not be read. While it is not zero, the
    /// log grows: it is compacted again once the store was repaired (<see cref="StoreFiles.RepairAsync"/>) and opened.
    /// </summary>
    public required long DamagedReads { get; init; }

    /// <summary>Provider name of the embedding generator; <c>none</c> without one.</summary>
    public required string EmbeddingProvider { get; init; }

    /// <summary>Model id of the embedding generator; empty without one.</summary>
    public required string EmbeddingModel { get; init; }

    /// <summary>Why nothing can be stored at the moment, as on a full disk; null when all is well. Searches, reads and deletes go on.</summary>
    public required string? ReadOnlyReason { get; init; }

    /// <summary>Bytes that are free on the volume of the store; null when the system does not tell, which is not taken for full.</summary>
    public required long? FreeBytes { get; init; }

    /// <summary>Bytes of the journal that are kept.</summary>
    public required long JournalBytes { get; init; }

    /// <summary>Journal bytes at which what stores something is refused with <see cref="ErrorCodes.JournalFull"/>.</summary>
    public required long MaxJournalBytes { get; init; }

    /// <summary>
    /// Namespaces that take no changes until the store is opened again, because a change that is in the journal could not be carried out; by name. While
    /// there is one no checkpoint is taken, and the journal grows.
    /// </summary>
    public required IReadOnlyList<string> StoppedNamespaces { get; init; }

    /// <summary>How what the store does by itself fares.</summary>
    public required IReadOnlyList<LoopStatus> Loops { get; init; }

    /// <summary>
    /// What somebody should look at, a sentence each; empty when all is well: why nothing can be stored, namespaces that are stopped, a journal that is as
    /// long as it may get, and background work that fails.
    /// </summary>
    public required IReadOnlyList<string> Problems { get; init; }
}
