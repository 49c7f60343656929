using Microsoft.Extensions.Options;
using Moorcheh.Http.Artifacts;
using Moorcheh.Http.Endpoints;

namespace Moorcheh.Http.Sidecar;

/// <summary>The error formats of the APIs that the sidecar serves, for requests that reach no route.</summary>
internal sealed class SidecarDialect(SidecarSettings settings, IOptions<MoorchehHttpOptions> options)
{
    private static readonly PathString ArtifactsPath = new("/v1/artifacts");
    private static readonly PathString SearchPath = new("/search");

    private readonly MoorchehDialect _moorcheh = new(options.Value);
    private readonly ArtifactDialect _artifacts = new(options.Value);

    /// <summary>The answer in the format of the API that a path belongs to.</summary>
    public IResult Answer(MoorchehException error, PathString path)
    {
        IApiDialect dialect = settings.Sidecar.Artifacts && path.StartsWithSegments(ArtifactsPath) ? _artifacts : _moorcheh;
        return dialect.Answer(error, new RouteRules { IsSearch = path == SearchPath }) ?? throw error;
    }
}
