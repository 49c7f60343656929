using FASTER.core;

namespace Moorcheh.Storage;

/// <summary>
/// FASTER's view of checkpoints. Only the hash index becomes a file here; the descriptions FASTER would write to files of its own
/// are handed to us and kept, checked, in <see cref="CheckpointManifest"/>, so that FASTER never parses bytes nobody verified.
/// </summary>
internal sealed class CheckpointFiles(string directory, Disk disk, DiskState state) : ICheckpointManager
{
    private byte[]? _indexMetadata;
    private byte[]? _logMetadata;

    public static string IndexFile(string directory, Guid token) => Path.Combine(directory, $"{token:N}.index");

    /// <summary>What FASTER said of the checkpoint it just took.</summary>
    public RecordCheckpoint Taken(Guid token, LogChecksums checksums) => new(token, _indexMetadata!, _logMetadata!, checksums);

    /// <summary>Prepares for recovering a checkpoint whose manifest and files were verified.</summary>
    public void Prepare(RecordCheckpoint checkpoint)
    {
        _indexMetadata = checkpoint.IndexMetadata;
        _logMetadata = checkpoint.LogMetadata;
    }

    public void InitializeIndexCheckpoint(Guid indexToken)
    {
    }

    public void InitializeLogCheckpoint(Guid logToken)
    {
    }

    public void CommitIndexCheckpoint(Guid indexToken, byte[] commitMetadata) => _indexMetadata = commitMetadata;

    public void CommitLogCheckpoint(Guid logToken, byte[] commitMetadata) => _logMetadata = commitMetadata;

    public void CommitLogIncrementalCheckpoint(Guid logToken, long version, byte[] commitMetadata, DeltaLog deltaLog) =>
        throw new NotSupportedException("Incremental checkpoints are not used.");

    public void CheckpointVersionShift(long oldVersion, long newVersion)
    {
    }

    public byte[] GetIndexCheckpointMetadata(Guid indexToken) => _indexMetadata!;

    public byte[] GetLogCheckpointMetadata(Guid logToken, DeltaLog deltaLog, bool scanDelta = false, long recoverTo = -1) => _logMetadata!;

    public IEnumerable<Guid> GetIndexCheckpointTokens() => [];

    public IEnumerable<Guid> GetLogCheckpointTokens() => [];

    /// <summary>Its name is flushed with the manifest's, in the same directory: a failure here would hold up every change.</summary>
    public IDevice GetIndexDevice(Guid indexToken) =>
        new FileDevice(IndexFile(directory, indexToken), disk, state, writeThrough: true, flushesNames: false);

    public IDevice GetSnapshotLogDevice(Guid token) => new NullDevice();

    public IDevice GetSnapshotObjectLogDevice(Guid token) => new NullDevice();

    public IDevice GetDeltaLogDevice(Guid token) => null!;

    public void Purge(Guid token)
    {
    }

    public void PurgeAll()
    {
    }

    public void OnRecovery(Guid indexToken, Guid logToken)
    {
    }

    public void Dispose()
    {
    }
}
