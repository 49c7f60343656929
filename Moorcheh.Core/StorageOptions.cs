namespace Moorcheh;

/// <summary>What a store takes of memory and disk; part of <see cref="MoorchehOptions"/>.</summary>
public sealed class StorageOptions
{
    /// <summary>Bytes of memory for the storage engine's log, hash index and journal buffers together, 32 MiB or more; 256 MiB by default. The search index comes on top.</summary>
    public long MemoryBudgetBytes { get; set; } = 256L << 20;

    /// <summary>
    /// Bytes kept free on the volume of the store, 0 or more; 64 MiB by default. While storing something would leave less, it is refused with
    /// <see cref="ErrorCodes.StorageFull"/>, and jobs wait. Searches, reads, deletes and cancels go on.
    /// </summary>
    public long MinFreeBytes { get; set; } = 64L << 20;

    /// <summary>Time between checkpoints while there are changes, from a second to 24 days; 5 minutes by default.</summary>
    public TimeSpan CheckpointInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Journal bytes after which a checkpoint is taken early, 1 MiB or more; 512 MiB by default. More means a longer recovery after a crash.</summary>
    public long CheckpointJournalBytes { get; set; } = 512L << 20;

    /// <summary>
    /// Journal bytes that may be kept, 1 MiB or more; 8 GiB by default. Once there are as many, what stores something is refused with
    /// <see cref="ErrorCodes.JournalFull"/> until checkpoints have cut the journal. Twice <see cref="CheckpointJournalBytes"/> and the payload of
    /// unfinished jobs are kept while all is well. Deletes, and the steps of what was accepted, go on.
    /// </summary>
    public long MaxJournalBytes { get; set; } = 8L << 30;

    internal void Validate()
    {
        OptionRule.AtLeast("Storage.MemoryBudgetBytes", MemoryBudgetBytes, 32L << 20);
        OptionRule.AtLeast("Storage.MinFreeBytes", MinFreeBytes, 0);
        OptionRule.InRange("Storage.CheckpointInterval", CheckpointInterval, TimeSpan.FromSeconds(1), OptionRule.LongestTimer);
        OptionRule.AtLeast("Storage.CheckpointJournalBytes", CheckpointJournalBytes, 1 << 20);
        OptionRule.AtLeast("Storage.MaxJournalBytes", MaxJournalBytes, 1 << 20);
    }
}
