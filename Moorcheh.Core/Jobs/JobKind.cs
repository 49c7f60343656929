using Moorcheh.Artifacts;

namespace Moorcheh;

/// <summary>What a job does.</summary>
public enum JobKind
{
    /// <summary>Stores a batch of documents or vectors.</summary>
    Upload,

    /// <summary>Deletes a namespace.</summary>
    Delete,

    /// <summary>Stores a document as an artifact; see <see cref="ArtifactTaskStatus"/>. <see cref="JobCollection.List"/> has it when asked for this kind.</summary>
    ArtifactIngest,

    /// <summary>Deletes an artifact; likewise.</summary>
    ArtifactDelete,

    /// <summary>Deletes the items that pass a filter.</summary>
    DeleteItems,

    /// <summary>Embeds the texts of a namespace again; see <see cref="ReembedJobStatus"/>.</summary>
    Reembed,
}
