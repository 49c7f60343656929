namespace Moorcheh.Storage;

/// <summary>Types of journal entries. The numbers are on disk; never reuse one.</summary>
internal enum JournalEntryType : byte
{
    /// <summary>Nothing follows in this page: a journal was closed or cut here and goes on at the next page.</summary>
    PageEnd = 1,

    NamespaceCreated = 2,
    UploadChunk = 3,
    UploadAccepted = 4,
    UploadProgress = 5,
    UploadEnded = 6,
    ItemsDeleted = 7,
    NamespaceDeleteStarted = 8,
    NamespaceDeleteProgress = 9,
    NamespaceDeleteEnded = 10,
    UploadAborted = 11,
    ArtifactPayload = 12,
    ArtifactTaskAccepted = 13,
    ArtifactStored = 14,
    ArtifactRemoved = 15,
    ArtifactTaskEnded = 16,
    CallbackProgress = 17,
    CallbackEnded = 18,
    WorkEnded = 19,
}
