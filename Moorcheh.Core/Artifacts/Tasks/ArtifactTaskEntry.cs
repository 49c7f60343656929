using Moorcheh.Changes;
using Moorcheh.Jobs;
using Moorcheh.Storage;

namespace Moorcheh.Artifacts.Tasks;

/// <summary>
/// A task on an artifact. What it was asked to do stays in the journal until it has finished. The fields from <see cref="IsReady"/> on are
/// guarded by <see cref="ArtifactQueue.Lock"/>.
/// </summary>
internal sealed class ArtifactTaskEntry : JobEntry
{
    private long _firstAddress;

    private ArtifactTaskEntry(Guid id, ArtifactTaskStatus status)
        : base(id, Guid.Empty, status)
    {
        Key = ArtifactKey.Of(status.NamespaceName, status.Artifact);
    }

    public ArtifactTaskEntry(ArtifactTaskAccepted accepted, long address)
        : this(accepted.JobId, new ArtifactTaskStatus
        {
            JobId = Format(accepted.JobId),
            NamespaceName = accepted.Collection,
            State = JobState.Running,
            LastError = null,
            StartedAt = accepted.At,
            UpdatedAt = accepted.At,
            FinishedAt = null,
            IsIngest = accepted.IsIngest,
            Artifact = accepted.Artifact,
            TaskState = ArtifactTaskState.Pending,
        })
    {
        IsSync = accepted.IsSync;
        HasRevoked = accepted.Revoked.Count > 0;
        Callback = accepted.Callback is { } target ? new TaskCallback(accepted.IsIngest) { Target = target } : null;
        CallbackBytes = SizeOf(accepted.Callback);
        Address = address;
        _firstAddress = accepted.Parts.Count > 0 ? accepted.Parts[0] : address;
    }

    public new ArtifactTaskStatus Status => (ArtifactTaskStatus)base.Status;

    public ArtifactKey Key { get; }

    /// <summary>Somebody waits for it who never learns its id.</summary>
    public bool IsSync { get; private init; }

    /// <summary>The metadata that an ingest stored, for whoever waits; of the others it is in the record store.</summary>
    public ItemMetadata? Result { get; set; }

    /// <summary>A delete that ended an ingest when it was accepted.</summary>
    public bool HasRevoked { get; private init; }

    /// <summary>The messages about it; null when nobody wants any.</summary>
    public TaskCallback? Callback { get; private set; }

    /// <summary>What counts for its callback while it has not ended.</summary>
    public long CallbackBytes { get; set; }

    /// <summary>Where the journal has its acceptance.</summary>
    public long Address { get; private init; }

    public override long FirstAddress => _firstAddress;

    /// <summary>Cancelled when it is to stop where it is.</summary>
    public CancellationTokenSource Cancellation { get; } = new();

    /// <summary>Carries out the entry that ends the task, which is in the journal but whose effect has not happened yet; null otherwise.</summary>
    public Func<Task>? Unfinished { get; set; }

    /// <summary>True once it is on disk and may be worked on.</summary>
    public bool IsReady { get; set; }

    /// <summary>True once the entry that ends it is in the journal: nothing else may end it.</summary>
    public bool IsEnding { get; set; }

    /// <summary>The delete that ends it and is not on disk yet.</summary>
    public ArtifactTaskEntry? Revoker { get; set; }

    /// <summary>True while something may end it.</summary>
    public bool MayEnd => !IsEnding && Revoker is null && !IsFinished;

    /// <summary>What a callback takes in memory until its task ends, about.</summary>
    public static long SizeOf(ArtifactCallback? callback) => callback is null
        ? 0
        : 256 + (2 * (callback.Exchange.Length + (callback.RoutingKeyDone?.Length ?? 0) + (callback.RoutingKeyProgress?.Length ?? 0) + (callback.RoutingKeyError?.Length ?? 0)))
            + (callback.Properties?.Utf8Json.Length ?? 0);

    public static string Format(Guid id) => id.ToString("D");

    /// <summary>Carries out what is in the journal already.</summary>
    /// <returns>False when the namespace takes no changes until the store is opened again.</returns>
    public async Task<bool> FinishAsync(Func<Task> finish)
    {
        try
        {
            await finish().ConfigureAwait(false);
            return IsFinished;
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.StorageFailed && !IsFinished)
        {
            return false;
        }
    }

    /// <summary>Nobody can be told of it any more.</summary>
    public void ForgetCallback() => Callback = null;

    public void Write(ByteWriter writer)
    {
        ArtifactTaskStatus status = Status;
        bool isFinished = IsFinished;
        writer.Guid(Id);
        WriteStatus(writer, status);
        writer.String(status.Artifact);
        writer.Byte((byte)((status.IsIngest ? 1 : 0) | (IsSync ? 2 : 0) | (HasRevoked ? 4 : 0) | (status.IsSkipped ? 8 : 0) | (Callback is null ? 0 : 16)));
        writer.Byte((byte)(isFinished ? status.TaskState : ArtifactTaskState.Pending));
        writer.OptionalString(status.ErrorCode);
        writer.Int64(Address);
        writer.Int64(FirstAddress);
    }

    public static ArtifactTaskEntry Read(ref ByteReader reader)
    {
        Guid id = reader.Guid();
        StatusHead head = ReadStatus(ref reader);
        string artifact = reader.String();
        byte flags = reader.Byte();
        return new ArtifactTaskEntry(id, new ArtifactTaskStatus
        {
            JobId = Format(id),
            NamespaceName = head.NamespaceName,
            State = head.State,
            Cancelled = head.Cancelled,
            LastError = head.LastError,
            StartedAt = head.StartedAt,
            UpdatedAt = head.UpdatedAt,
            FinishedAt = head.FinishedAt,
            Artifact = artifact,
            IsIngest = (flags & 1) != 0,
            IsSkipped = (flags & 8) != 0,
            TaskState = (ArtifactTaskState)reader.Byte(),
            ErrorCode = reader.OptionalString(),
        })
        {
            IsSync = (flags & 2) != 0,
            HasRevoked = (flags & 4) != 0,
            Callback = (flags & 16) == 0 ? null : new TaskCallback((flags & 1) != 0),
            Address = reader.Int64(),
            _firstAddress = reader.Int64(),
        };
    }
}
