using FASTER.core;

namespace Moorcheh.Storage;

/// <summary>
/// Keeps FasterLog from writing commit files of its own: <see cref="CommitMarker"/> records how far the journal is committed,
/// with a checksum, and a journal is always opened at the end that <see cref="JournalFiles"/> found.
/// </summary>
internal sealed class NoCommitManager : ILogCommitManager
{
    public void Commit(long beginAddress, long untilAddress, byte[] commitMetadata, long commitNum, bool forceWriteMetadata)
    {
    }

    public byte[]? GetCommitMetadata(long commitNum) => null;

    public IEnumerable<long> ListCommits() => [];

    public void RemoveCommit(long commitNum)
    {
    }

    public void RemoveAllCommits()
    {
    }

    public void OnRecovery(long commitNum)
    {
    }

    public void Dispose()
    {
    }
}
