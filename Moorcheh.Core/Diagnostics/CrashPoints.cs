namespace Moorcheh.Diagnostics;

/// <summary>
/// Named places between the steps of what must survive a crash. A test ends its process at each of them; otherwise passing one costs a
/// look at a field.
/// </summary>
internal static class CrashPoints
{
    public const string JournalCut = "journal-cut";
    public const string JournalAppending = "journal-appending";
    public const string JournalAppended = "journal-appended";
    public const string JournalCommitting = "journal-committing";
    public const string JournalCommitted = "journal-committed";
    public const string MarkerWritten = "marker-written";
    public const string WorkMarked = "work-marked";
    public const string UploadAccepted = "upload-accepted";
    public const string UploadStoring = "upload-storing";
    public const string ItemsDeleting = "items-deleting";
    public const string ItemDeleteStep = "item-delete-step";
    public const string ItemPatching = "item-patching";
    public const string ArtifactTaskAccepted = "artifact-task-accepted";
    public const string ArtifactStaged = "artifact-staged";
    public const string ArtifactStoring = "artifact-storing";
    public const string ArtifactRemoving = "artifact-removing";
    public const string ArtifactTaskEnding = "artifact-task-ending";
    public const string CallbackProgressAppended = "callback-progress-appended";
    public const string CallbackMade = "callback-made";
    public const string CallbackReady = "callback-ready";
    public const string CallbackTaken = "callback-taken";
    public const string NamespaceDeleteMarked = "namespace-delete-marked";
    public const string NamespaceDeleteStep = "namespace-delete-step";
    public const string NamespaceDeleteEnding = "namespace-delete-ending";
    public const string JobChanging = "job-changing";
    public const string JobChanged = "job-changed";
    public const string CheckpointRecordsWritten = "checkpoint-records-written";
    public const string CheckpointIndexesWritten = "checkpoint-indexes-written";
    public const string FileReplacing = "file-replacing";
    public const string FileReplaced = "file-replaced";
    public const string CheckpointOldRemoved = "checkpoint-old-removed";
    public const string LogSegmentDeleting = "log-segment-deleting";
    public const string LogSegmentDeleted = "log-segment-deleted";
    public const string RecordsCompacted = "records-compacted";
    public const string IndexSegmentWritten = "index-segment-written";
    public const string IndexSegmentSealed = "index-segment-sealed";
    public const string ReembedAccepted = "reembed-accepted";
    public const string ReembedStoring = "reembed-storing";
    public const string ReembedSwitchCommitted = "reembed-switch-committed";
    public const string ReembedSwitching = "reembed-switching";
    public const string ReembedEnding = "reembed-ending";

    /// <summary>Those of re-embeddings that succeed.</summary>
    public static IReadOnlyList<string> Reembeddings { get; } = [ReembedAccepted, ReembedStoring, ReembedSwitchCommitted, ReembedSwitching];

    /// <summary>Those of the tasks on artifacts.</summary>
    public static IReadOnlyList<string> Artifacts { get; } =
    [
        ArtifactTaskAccepted, ArtifactStaged, ArtifactStoring, ArtifactRemoving, ArtifactTaskEnding,
    ];

    /// <summary>Those of the messages about tasks.</summary>
    public static IReadOnlyList<string> Callbacks { get; } = [CallbackProgressAppended, CallbackMade, CallbackReady, CallbackTaken];

    /// <summary>Every other name above.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        JournalCut, JournalAppending, JournalAppended, JournalCommitting, JournalCommitted, MarkerWritten, WorkMarked, UploadAccepted, UploadStoring, ItemsDeleting,
        ItemDeleteStep, ItemPatching,
        NamespaceDeleteMarked, NamespaceDeleteStep, NamespaceDeleteEnding, JobChanging, JobChanged, CheckpointRecordsWritten, CheckpointIndexesWritten,
        FileReplacing, FileReplaced, CheckpointOldRemoved, LogSegmentDeleting, LogSegmentDeleted, RecordsCompacted, IndexSegmentWritten, IndexSegmentSealed,
    ];

    /// <summary>Told each point that is passed, on the thread that passes it; null outside of tests.</summary>
    public static Action<string>? Reached { get; set; }

    public static void Pass(string point) => Reached?.Invoke(point);
}
