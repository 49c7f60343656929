namespace Moorcheh.Jobs;

/// <summary>What the catalog calls the kinds of jobs: the byte before each. The other bytes are its own.</summary>
internal enum JobTag : byte
{
    Upload = 2,
    Delete = 3,
    ArtifactTask = 5,
    ItemDelete = 10,
    Reembed = 12,
}
