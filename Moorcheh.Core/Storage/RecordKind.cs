namespace Moorcheh.Storage;

/// <summary>Kinds of records. The numbers are on disk; never reuse one.</summary>
internal enum RecordKind : byte
{
    /// <summary>An item of a namespace: owner = incarnation, number = record number.</summary>
    Item = 1,

    /// <summary>A part of the list of namespaces and jobs: number = part.</summary>
    CatalogPage = 2,

    /// <summary>The item errors of a job: owner = job id.</summary>
    JobErrors = 3,

    /// <summary>The metadata of an artifact: owner = incarnation, number = record number of its first chunk.</summary>
    ArtifactMetadata = 4,

    /// <summary>The metadata that an ingest stored: owner = job id.</summary>
    ArtifactTaskResult = 5,

    /// <summary>A message of the outbox: owner = job id, number = its number in the task.</summary>
    CallbackMessage = 6,
}
