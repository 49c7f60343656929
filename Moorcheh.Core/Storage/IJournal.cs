namespace Moorcheh.Storage;

/// <summary>
/// The authority since the last checkpoint: entries are appended in the order in which their effects happen, and an effect is
/// acknowledged only after its entry is committed. Safe for use from several threads.
/// </summary>
internal interface IJournal : IAsyncDisposable
{
    /// <summary>First address not written yet.</summary>
    long TailAddress { get; }

    /// <summary>Appends an entry; it is not on disk yet.</summary>
    /// <returns>Its address.</returns>
    long Append(JournalEntryType type, ReadOnlySpan<byte> body);

    /// <summary>Completes when everything appended before the call is on disk. Calls at the same time share one flush.</summary>
    Task CommitAsync();

    /// <summary>Reads a committed entry's body.</summary>
    ReadOnlyMemory<byte> Read(long address, JournalEntryType type);

    /// <summary>Gives back the space of entries before an address; nothing before it will be read again.</summary>
    void TruncateBefore(long address);
}
