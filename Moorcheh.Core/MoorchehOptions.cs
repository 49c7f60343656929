using System.Text;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Artifacts;
using Moorcheh.Diagnostics;
using Moorcheh.Storage;

namespace Moorcheh;

/// <summary>Settings of a <see cref="MoorchehStore"/>, read once when it is opened.</summary>
public sealed class MoorchehOptions
{
    /// <summary>Least <see cref="MemoryBudgetBytes"/>.</summary>
    public const long MinMemoryBudgetBytes = 32L << 20;

    /// <summary>Default of <see cref="MemoryBudgetBytes"/>: 256 MiB.</summary>
    public const long DefaultMemoryBudgetBytes = 256L << 20;

    /// <summary>Default of <see cref="MaxItems"/>.</summary>
    public const long DefaultMaxItems = 100_000;

    /// <summary>Default of <see cref="MaxNamespaces"/>.</summary>
    public const int DefaultMaxNamespaces = 10_000;

    /// <summary>Default of <see cref="MaxUploadItems"/>.</summary>
    public const int DefaultMaxUploadItems = 10_000;

    /// <summary>Default of <see cref="MaxTextBytes"/>: 1 MiB, which is also its greatest value.</summary>
    public const int DefaultMaxTextBytes = 1 << 20;

    /// <summary>Default of <see cref="MaxMetadataBytes"/>: 64 KiB, which is also its greatest value.</summary>
    public const int DefaultMaxMetadataBytes = 64 << 10;

    /// <summary>Default of <see cref="MaxPendingJobs"/>.</summary>
    public const int DefaultMaxPendingJobs = 1000;

    /// <summary>Default of <see cref="MaxPendingBytes"/>: 2 GiB.</summary>
    public const long DefaultMaxPendingBytes = 2L << 30;

    /// <summary>Default of <see cref="JobWorkers"/>.</summary>
    public const int DefaultJobWorkers = 4;

    /// <summary>Default of <see cref="FinishedJobDays"/>.</summary>
    public const int DefaultFinishedJobDays = 7;

    /// <summary>Default of <see cref="MaxFinishedJobs"/>.</summary>
    public const int DefaultMaxFinishedJobs = 10_000;

    /// <summary>Default of <see cref="EmbedAttempts"/>.</summary>
    public const int DefaultEmbedAttempts = 3;

    /// <summary>Default of <see cref="DeleteAttempts"/>.</summary>
    public const int DefaultDeleteAttempts = 5;

    /// <summary>Default of <see cref="EmbedBatchItems"/>.</summary>
    public const int DefaultEmbedBatchItems = 64;

    /// <summary>Default of <see cref="ShutdownSeconds"/>.</summary>
    public const int DefaultShutdownSeconds = 30;

    /// <summary>Default of <see cref="EmbedSeconds"/>: 5 minutes.</summary>
    public const int DefaultEmbedSeconds = 300;

    /// <summary>Default of <see cref="MinFreeBytes"/>: 64 MiB.</summary>
    public const long DefaultMinFreeBytes = 64L << 20;

    /// <summary>Default of <see cref="CheckpointSeconds"/>: 5 minutes.</summary>
    public const int DefaultCheckpointSeconds = 300;

    /// <summary>Default of <see cref="CheckpointJournalBytes"/>: 512 MiB.</summary>
    public const long DefaultCheckpointJournalBytes = 512L << 20;

    /// <summary>Default of <see cref="MaxJournalBytes"/>: 8 GiB.</summary>
    public const long DefaultMaxJournalBytes = 8L << 30;

    /// <summary>Default of <see cref="ChunkTokens"/>.</summary>
    public const int DefaultChunkTokens = 384;

    /// <summary>Default of <see cref="MaxArtifactChunks"/>.</summary>
    public const int DefaultMaxArtifactChunks = 10_000;

    /// <summary>Default of <see cref="MaxPendingTasks"/>.</summary>
    public const int DefaultMaxPendingTasks = 1000;

    /// <summary>Default of <see cref="MaxPendingDeletes"/>.</summary>
    public const int DefaultMaxPendingDeletes = 10_000;

    /// <summary>Default of <see cref="MaxPendingCallbackBytes"/>: 64 MiB.</summary>
    public const long DefaultMaxPendingCallbackBytes = 64L << 20;

    /// <summary>Default of <see cref="TaskWorkers"/>.</summary>
    public const int DefaultTaskWorkers = 4;

    /// <summary>Default of <see cref="CallbackRetryHours"/>: a day.</summary>
    public const int DefaultCallbackRetryHours = 24;

    /// <summary>Greatest <see cref="CallbackRetryHours"/>: a year.</summary>
    public const int MaxCallbackRetryHours = 24 * 365;

    /// <summary>Default of <see cref="MaxOutboxMessages"/>.</summary>
    public const int DefaultMaxOutboxMessages = 100_000;

    /// <summary>Makes the vectors of text namespaces. Null (default): text namespaces can be created, but nothing can be embedded. The store does not dispose it.</summary>
    public IEmbeddingGenerator<string, Embedding<float>>? EmbeddingGenerator { get; set; }

    /// <summary>Counts the tokens of a text as the embedding generator does. Default: 4 UTF-8 bytes count as one token, rounded up. Called from several threads.</summary>
    public Func<string, int> CountTokens { get; set; } = text => (Encoding.UTF8.GetByteCount(text) + 3) / 4;

    /// <summary>Readers of documents besides the built-in ones of <c>.txt</c>, <c>.md</c>, <c>.csv</c> and <c>.json</c>; they come first.</summary>
    public IList<IDocumentReader> DocumentReaders { get; } = [];

    /// <summary>Fetches what ingests name by an address. Null (default): such an ingest fails.</summary>
    public IUriReader? UriReader { get; set; }

    /// <summary>Most tokens of a chunk of an artifact, 32 to 8192.</summary>
    public int ChunkTokens { get; set; } = DefaultChunkTokens;

    /// <summary>Most chunks of an artifact, 1 to 200,000.</summary>
    public int MaxArtifactChunks { get; set; } = DefaultMaxArtifactChunks;

    /// <summary>Most unfinished tasks on artifacts, 1 or more; deletes are never refused for this, but for <see cref="MaxPendingDeletes"/>.</summary>
    public int MaxPendingTasks { get; set; } = DefaultMaxPendingTasks;

    /// <summary>Most unfinished deletes of artifacts, 1 or more.</summary>
    public int MaxPendingDeletes { get; set; } = DefaultMaxPendingDeletes;

    /// <summary>Most bytes that the callbacks of unfinished tasks on artifacts may take in memory, 1 or more; one alone is always taken.</summary>
    public long MaxPendingCallbackBytes { get; set; } = DefaultMaxPendingCallbackBytes;

    /// <summary>Tasks on artifacts worked on at once, 1 to 64; those on one artifact run one after the other.</summary>
    public int TaskWorkers { get; set; } = DefaultTaskWorkers;

    /// <summary>
    /// Sends the messages that tasks on artifacts are asked for. Null (default): they are dropped, each with a warning in the log. The store does
    /// not dispose it.
    /// </summary>
    public ICallbackPublisher? CallbackPublisher { get; set; }

    /// <summary>Hours after which a message about a task that could not be sent is dropped, 1 to <see cref="MaxCallbackRetryHours"/>.</summary>
    public int CallbackRetryHours { get; set; } = DefaultCallbackRetryHours;

    /// <summary>
    /// Messages about tasks that may wait to be sent, 1 or more. When there are as many, those that tell of progress are dropped; those that tell
    /// how a task ended are kept all the same, and once there are twice as many of those, a task that wants messages is refused with
    /// <see cref="ErrorCodes.QueueFull"/>.
    /// </summary>
    public int MaxOutboxMessages { get; set; } = DefaultMaxOutboxMessages;

    /// <summary>Clock of the store. Default: the system clock.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Where the store logs. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; set; } = NullLoggerFactory.Instance;

    /// <summary>Bytes of memory for the storage engine's log, hash index and journal buffers together, <see cref="MinMemoryBudgetBytes"/> or more. The search index comes on top.</summary>
    public long MemoryBudgetBytes { get; set; } = DefaultMemoryBudgetBytes;

    /// <summary>Most namespaces; 0 means no limit.</summary>
    public int MaxNamespaces { get; set; } = DefaultMaxNamespaces;

    /// <summary>Most items over all namespaces; 0 means no cap.</summary>
    public long MaxItems { get; set; } = DefaultMaxItems;

    /// <summary>Most entries of one upload, 1 or more.</summary>
    public int MaxUploadItems { get; set; } = DefaultMaxUploadItems;

    /// <summary>Most UTF-8 bytes of one text, 1 to <see cref="DefaultMaxTextBytes"/>.</summary>
    public int MaxTextBytes { get; set; } = DefaultMaxTextBytes;

    /// <summary>Most bytes of one item's metadata as compact JSON, 2 to <see cref="DefaultMaxMetadataBytes"/>.</summary>
    public int MaxMetadataBytes { get; set; } = DefaultMaxMetadataBytes;

    /// <summary>Most unfinished jobs, 1 or more; namespace deletes are never refused for this.</summary>
    public int MaxPendingJobs { get; set; } = DefaultMaxPendingJobs;

    /// <summary>Most payload bytes of unfinished uploads, 1 or more; they wait on disk, not in memory.</summary>
    public long MaxPendingBytes { get; set; } = DefaultMaxPendingBytes;

    /// <summary>Jobs worked on at once, 1 to 64; jobs of one namespace run one after the other.</summary>
    public int JobWorkers { get; set; } = DefaultJobWorkers;

    /// <summary>Days a finished job can still be read, 0 or more.</summary>
    public int FinishedJobDays { get; set; } = DefaultFinishedJobDays;

    /// <summary>Most finished jobs kept, tasks on artifacts included, 0 or more; the oldest goes when one more finishes.</summary>
    public int MaxFinishedJobs { get; set; } = DefaultMaxFinishedJobs;

    /// <summary>Tries of a failing embedder call, 1 or more, with pauses of 0.5 s, 1 s, 2 s and so on between them.</summary>
    public int EmbedAttempts { get; set; } = DefaultEmbedAttempts;

    /// <summary>Tries of a failing storage call in a namespace delete, 1 or more, with pauses of 0.2 s doubling between them.</summary>
    public int DeleteAttempts { get; set; } = DefaultDeleteAttempts;

    /// <summary>Most texts given to the embedder in one call, 1 to 10,000.</summary>
    public int EmbedBatchItems { get; set; } = DefaultEmbedBatchItems;

    /// <summary>Seconds that closing waits for running jobs to reach a safe point, 0 or more. What is left goes on when the store is opened again.</summary>
    public int ShutdownSeconds { get; set; } = DefaultShutdownSeconds;

    /// <summary>Seconds between checkpoints while there are changes, 1 or more.</summary>
    public int CheckpointSeconds { get; set; } = DefaultCheckpointSeconds;

    /// <summary>Journal bytes after which a checkpoint is taken early, 1 MiB or more. More means a longer recovery after a crash.</summary>
    public long CheckpointJournalBytes { get; set; } = DefaultCheckpointJournalBytes;

    /// <summary>
    /// Journal bytes that may be kept, 1 MiB or more: once there are as many, what stores something is refused with <see cref="ErrorCodes.JournalFull"/>
    /// until checkpoints have cut the journal. Twice <see cref="CheckpointJournalBytes"/> and the payload of unfinished jobs are kept while all is
    /// well. Deletes, and the steps of what was accepted, go on.
    /// </summary>
    public long MaxJournalBytes { get; set; } = DefaultMaxJournalBytes;

    /// <summary>Seconds one call of the embedding generator may take, 1 or more; one that takes longer counts as failed.</summary>
    public int EmbedSeconds { get; set; } = DefaultEmbedSeconds;

    /// <summary>
    /// Bytes kept free on the volume of the store, 0 or more: while storing something would leave less, it is refused with
    /// <see cref="ErrorCodes.StorageFull"/>, and jobs wait. Searches, reads, deletes and cancels go on.
    /// </summary>
    public long MinFreeBytes { get; set; } = DefaultMinFreeBytes;

    /// <summary>Where files are written; another one in tests.</summary>
    internal Disk Disk { get; set; } = Disk.Default;

    /// <summary>Checks every setting.</summary>
    /// <exception cref="ArgumentException">A setting is out of range; the message names it, its value and the rule.</exception>
    public void Validate()
    {
        Require(MemoryBudgetBytes >= MinMemoryBudgetBytes, nameof(MemoryBudgetBytes), MemoryBudgetBytes, $"at least {MinMemoryBudgetBytes}");
        Require(MaxNamespaces >= 0, nameof(MaxNamespaces), MaxNamespaces, "0 or more");
        Require(MaxItems >= 0, nameof(MaxItems), MaxItems, "0 or more");
        Require(MaxUploadItems >= 1, nameof(MaxUploadItems), MaxUploadItems, "1 or more");
        Require(MaxTextBytes is >= 1 and <= DefaultMaxTextBytes, nameof(MaxTextBytes), MaxTextBytes, $"from 1 to {DefaultMaxTextBytes}");
        Require(MaxMetadataBytes is >= 2 and <= DefaultMaxMetadataBytes, nameof(MaxMetadataBytes), MaxMetadataBytes, $"from 2 to {DefaultMaxMetadataBytes}");
        Require(MaxPendingJobs >= 1, nameof(MaxPendingJobs), MaxPendingJobs, "1 or more");
        Require(MaxPendingBytes >= 1, nameof(MaxPendingBytes), MaxPendingBytes, "1 or more");
        Require(JobWorkers is >= 1 and <= 64, nameof(JobWorkers), JobWorkers, "from 1 to 64");
        Require(FinishedJobDays >= 0, nameof(FinishedJobDays), FinishedJobDays, "0 or more");
        Require(MaxFinishedJobs >= 0, nameof(MaxFinishedJobs), MaxFinishedJobs, "0 or more");
        Require(EmbedAttempts >= 1, nameof(EmbedAttempts), EmbedAttempts, "1 or more");
        Require(DeleteAttempts >= 1, nameof(DeleteAttempts), DeleteAttempts, "1 or more");
        Require(EmbedBatchItems is >= 1 and <= 10_000, nameof(EmbedBatchItems), EmbedBatchItems, "from 1 to 10000");
        Require(ShutdownSeconds >= 0, nameof(ShutdownSeconds), ShutdownSeconds, "0 or more");
        Require(CheckpointSeconds >= 1, nameof(CheckpointSeconds), CheckpointSeconds, "1 or more");
        Require(CheckpointJournalBytes >= 1 << 20, nameof(CheckpointJournalBytes), CheckpointJournalBytes, $"at least {1 << 20}");
        Require(MaxJournalBytes >= 1 << 20, nameof(MaxJournalBytes), MaxJournalBytes, $"at least {1 << 20}");
        Require(EmbedSeconds >= 1, nameof(EmbedSeconds), EmbedSeconds, "1 or more");
        Require(MinFreeBytes >= 0, nameof(MinFreeBytes), MinFreeBytes, "0 or more");
        Require(CountTokens is not null, nameof(CountTokens), "null", "set");
        Require(ChunkTokens is >= 32 and <= 8192, nameof(ChunkTokens), ChunkTokens, "from 32 to 8192");
        Require(MaxArtifactChunks is >= 1 and <= 200_000, nameof(MaxArtifactChunks), MaxArtifactChunks, "from 1 to 200000");
        Require(MaxPendingTasks >= 1, nameof(MaxPendingTasks), MaxPendingTasks, "1 or more");
        Require(MaxPendingDeletes >= 1, nameof(MaxPendingDeletes), MaxPendingDeletes, "1 or more");
        Require(MaxPendingCallbackBytes >= 1, nameof(MaxPendingCallbackBytes), MaxPendingCallbackBytes, "1 or more");
        Require(TaskWorkers is >= 1 and <= 64, nameof(TaskWorkers), TaskWorkers, "from 1 to 64");
        Require(CallbackRetryHours is >= 1 and <= MaxCallbackRetryHours, nameof(CallbackRetryHours), CallbackRetryHours, $"from 1 to {MaxCallbackRetryHours}");
        Require(MaxOutboxMessages >= 1, nameof(MaxOutboxMessages), MaxOutboxMessages, "1 or more");
        Require(TimeProvider is not null, nameof(TimeProvider), "null", "set");
        Require(LoggerFactory is not null, nameof(LoggerFactory), "null", "set");
    }

    internal ILogger CreateLogger() => new QuietLogger(LoggerFactory.CreateLogger("Moorcheh"));

    private static void Require(bool holds, string option, object value, string rule)
    {
        if (!holds)
        {
            throw new ArgumentException($"Option '{option}' is {value}; it must be {rule}.");
        }
    }
}
