namespace Moorcheh.Storage;

/// <summary>
/// Types of journal entries that are no changes; those of changes are with them, and all together in <c>ChangeTable</c>. The numbers are on disk; never
/// reuse one.
/// </summary>
internal enum JournalEntryType : byte
{
    /// <summary>Nothing follows in this page: a journal was closed or cut here and goes on at the next page.</summary>
    PageEnd = 1,

    /// <summary>A part of what an upload or an ingest stores.</summary>
    UploadChunk = 3,

    /// <summary>A part of what an ingest reads.</summary>
    ArtifactPayload = 12,
}
