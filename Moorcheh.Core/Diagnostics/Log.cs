using Microsoft.Extensions.Logging;

namespace Moorcheh.Diagnostics;

/// <summary>Every message Core logs. Ids: 1-99 opening and closing, 100-199 jobs, 200-299 storage.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Opened {Directory}: {Namespaces} namespaces, {Items} items, {Jobs} unfinished jobs, in {Milliseconds} ms")]
    public static partial void StoreOpened(this ILogger logger, string directory, int namespaces, long items, int jobs, long milliseconds);

    [LoggerMessage(2, LogLevel.Information, "Closed {Directory}")]
    public static partial void StoreClosed(this ILogger logger, string directory);

    [LoggerMessage(3, LogLevel.Critical, "Could not open {Directory}")]
    public static partial void StoreNotOpened(this ILogger logger, string directory, Exception exception);

    [LoggerMessage(4, LogLevel.Warning, "Closing did not wait any longer than {Timeout} for running jobs; they go on when the store is opened again")]
    public static partial void ShutdownTimedOut(this ILogger logger, TimeSpan timeout);

    [LoggerMessage(100, LogLevel.Error, "A step of job {JobId} failed (attempt {Attempt}); it is tried again")]
    public static partial void JobStepFailed(this ILogger logger, string jobId, int attempt, Exception exception);

    [LoggerMessage(101, LogLevel.Debug, "Embedding {Count} texts failed (attempt {Attempt})")]
    public static partial void EmbeddingFailed(this ILogger logger, int count, int attempt, Exception exception);

    [LoggerMessage(103, LogLevel.Debug, "The reader of {Suffix} files gave a document up")]
    public static partial void DocumentNotRead(this ILogger logger, string suffix, Exception exception);

    [LoggerMessage(104, LogLevel.Warning, "Task {TaskId} has ended; the message its caller asked for is dropped, because there is no publisher")]
    public static partial void CallbackDropped(this ILogger logger, string taskId);

    [LoggerMessage(105, LogLevel.Error, "A step for namespace {Namespace} does not come back; the oldest one is at work for {Age}")]
    public static partial void JobStepStalls(this ILogger logger, string @namespace, TimeSpan age);

    [LoggerMessage(106, LogLevel.Warning, "Message {MessageId} to exchange '{Exchange}' could not be sent: {Reason} It is tried again")]
    public static partial void CallbackFailed(this ILogger logger, string messageId, string exchange, string reason);

    [LoggerMessage(107, LogLevel.Debug, "Message {MessageId} could not be sent (attempt {Attempt})")]
    public static partial void CallbackFailedAgain(this ILogger logger, string messageId, int attempt, Exception exception);

    [LoggerMessage(108, LogLevel.Error, "Message {MessageId} was made at {MadeAt:O} and could not be sent within {Retention}: it is dropped")]
    public static partial void CallbackExpired(this ILogger logger, string messageId, DateTimeOffset madeAt, TimeSpan retention);

    [LoggerMessage(109, LogLevel.Error, "Message {MessageId} cannot be read and is dropped")]
    public static partial void CallbackLost(this ILogger logger, string messageId, Exception? exception);

    [LoggerMessage(110, LogLevel.Warning, "{Messages} messages about tasks wait, but there is no publisher: they are kept until they expire")]
    public static partial void CallbacksStranded(this ILogger logger, int messages);

    [LoggerMessage(111, LogLevel.Warning, "{MaxMessages} messages about tasks wait to be sent: those of progress are dropped")]
    public static partial void OutboxFull(this ILogger logger, int maxMessages);

    [LoggerMessage(113, LogLevel.Error, "Nobody is told of the end of task {TaskId}: the journal is damaged where it says whom to tell")]
    public static partial void CallbackTargetLost(this ILogger logger, string taskId, Exception exception);

    [LoggerMessage(114, LogLevel.Error,
        "File '{Path}' is damaged or cannot be read at record log address {Address}: what needs it is refused, and the record log is not compacted until the store is repaired")]
    public static partial void BlockDamaged(this ILogger logger, string path, long address, Exception? exception);

    [LoggerMessage(115, LogLevel.Error, "A step of job {JobId} met trouble of the disk; it waits, and goes on when that is over")]
    public static partial void JobWaitsForDisk(this ILogger logger, string jobId, Exception exception);

    [LoggerMessage(116, LogLevel.Error, "The process ended {Ends} times while message {MessageId} was sent: it is dropped")]
    public static partial void CallbackGivenUp(this ILogger logger, string messageId, int ends);

    [LoggerMessage(117, LogLevel.Error, "The process that had the store open before ended while it worked on {Kind} {Id}, for the {Ends}. time in a row")]
    public static partial void ProcessEnded(this ILogger logger, string kind, Guid id, int ends);

    [LoggerMessage(118, LogLevel.Error,
        "The process ended {Ends} times while the search index of namespace {Namespace} was tidied: it is not tidied any more, and stays right but larger than it need be")]
    public static partial void TidyingGivenUp(this ILogger logger, string @namespace, int ends);

    [LoggerMessage(200, LogLevel.Debug, "Checkpoint {Number} taken in {Milliseconds} ms")]
    public static partial void CheckpointTaken(this ILogger logger, long number, long milliseconds);

    [LoggerMessage(201, LogLevel.Error, "The checkpoint of closing failed; the journal has everything")]
    public static partial void LastCheckpointFailed(this ILogger logger, Exception exception);

    [LoggerMessage(202, LogLevel.Warning, "Checkpoint {Number} cannot be used ({Reason}); trying the one before")]
    public static partial void CheckpointUnusable(this ILogger logger, long number, string reason);

    [LoggerMessage(203, LogLevel.Information, "Replayed {Entries} journal entries")]
    public static partial void JournalReplayed(this ILogger logger, long entries);

    [LoggerMessage(205, LogLevel.Error, "The records of a job that is no longer kept could not be deleted; they stay")]
    public static partial void RetirementFailed(this ILogger logger, Exception exception);

    [LoggerMessage(206, LogLevel.Error, "The search index of namespace {Namespace} could not be written; it is made anew when the store is opened")]
    public static partial void IndexNotSaved(this ILogger logger, string @namespace, Exception exception);

    [LoggerMessage(207, LogLevel.Warning, "The search index of namespace {Namespace} is made anew from its records ({Reason})")]
    public static partial void IndexRebuilt(this ILogger logger, string @namespace, string reason);

    [LoggerMessage(208, LogLevel.Error, "Tidying the search index of namespace {Namespace} failed; it is repeated, and told again only after it has succeeded")]
    public static partial void MaintenanceFailed(this ILogger logger, string @namespace, Exception exception);

    [LoggerMessage(209, LogLevel.Critical, "Writing to {Directory} fails; the store is read-only until it succeeds")]
    public static partial void WriteFailed(this ILogger logger, string directory, Exception exception);

    [LoggerMessage(210, LogLevel.Warning, "Writing to {Directory} succeeds again")]
    public static partial void WritesRecovered(this ILogger logger, string directory);

    [LoggerMessage(211, LogLevel.Critical,
        "A flush to disk failed in {Directory}; the store is read-only until a checkpoint has written anew what may be lost. Nothing that was accepted is")]
    public static partial void FlushFailed(this ILogger logger, string directory, Exception exception);

    [LoggerMessage(212, LogLevel.Warning, "What a failed flush left open in {Directory} was written anew and is on disk; the store takes writes again")]
    public static partial void FlushesRecovered(this ILogger logger, string directory);

    [LoggerMessage(213, LogLevel.Warning, "Directory {Directory} has mode {Mode}: others than its owner can reach into it; what the store makes in it is for the owner only")]
    public static partial void DirectoryIsShared(this ILogger logger, string directory, string mode);

    [LoggerMessage(220, LogLevel.Error, "Background work '{Loop}' failed; it is repeated, and told again only after it has succeeded")]
    public static partial void LoopFails(this ILogger logger, string loop, Exception exception);

    [LoggerMessage(221, LogLevel.Information, "Background work '{Loop}' succeeds again")]
    public static partial void LoopRecovered(this ILogger logger, string loop);

    [LoggerMessage(222, LogLevel.Warning, "How much room is free in {Directory} cannot be told; writes go on until one fails")]
    public static partial void FreeSpaceUnknown(this ILogger logger, string directory, Exception exception);

    [LoggerMessage(223, LogLevel.Critical,
        "Namespace {Namespace} takes no changes, and no checkpoint is taken, until the store is opened again: a change that is in the journal could not be carried out")]
    public static partial void NamespaceStopped(this ILogger logger, string @namespace, Exception exception);
}
