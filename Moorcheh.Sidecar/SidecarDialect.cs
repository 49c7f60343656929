using Moorcheh.Http;

namespace Moorcheh.Sidecar;

/// <summary>The error formats of the APIs that the sidecar serves, for requests that reach no route.</summary>
internal sealed class SidecarDialect(SidecarSettings settings)
{
    private static readonly PathString ArtifactsPath = new("/v1/artifacts");
    private static readonly PathString SearchPath = new("/search");

    /// <summary>The answer in the format of the API that a path belongs to.</summary>
    public IResult Answer(MoorchehException error, PathString path) => settings.Sidecar.Artifacts && path.StartsWithSegments(ArtifactsPath)
        ? MoorchehErrorResults.ForArtifacts(error)
        : MoorchehErrorResults.ForMoorcheh(error, isSearch: path == SearchPath);
}
