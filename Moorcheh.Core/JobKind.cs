namespace Moorcheh;

/// <summary>What a job does.</summary>
public enum JobKind
{
    /// <summary>Stores a batch of documents or vectors.</summary>
    Upload,

    /// <summary>Deletes a namespace.</summary>
    Delete,
}
