namespace Moorcheh.Artifacts;

/// <summary>Kinds of <see cref="ArtifactInput"/>. The numbers are on disk.</summary>
public enum ArtifactInputKind
{
    /// <summary>A text.</summary>
    Text = 0,

    /// <summary>The bytes of a file.</summary>
    File = 1,

    /// <summary>An address to fetch.</summary>
    Uri = 2,
}
