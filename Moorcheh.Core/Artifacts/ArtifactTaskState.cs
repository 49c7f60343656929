namespace Moorcheh.Artifacts;

/// <summary>State of a task on an artifact.</summary>
public enum ArtifactTaskState
{
    /// <summary>Waiting for its turn. After a restart every unfinished task is.</summary>
    Pending,

    /// <summary>Being worked on.</summary>
    Started,

    /// <summary>Done.</summary>
    Success,

    /// <summary>Failed; nothing changed.</summary>
    Failure,

    /// <summary>An ingest that was ended by a delete of the same artifact; nothing was stored.</summary>
    Revoked,
}
