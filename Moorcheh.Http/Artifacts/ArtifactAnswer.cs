using System.Globalization;
using System.Text.Json;
using Moorcheh.Http.Json;

namespace Moorcheh.Http.Artifacts;

/// <summary>An answer of the artifacts API.</summary>
internal sealed class ArtifactAnswer(int status, Action<Utf8JsonWriter> write) : IResult, IStatusCodeHttpResult
{
    /// <inheritdoc/>
    public int? StatusCode => status;

    /// <summary>Value of <c>Retry-After</c>; null sends none.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>True for the answer that asks for the secret.</summary>
    public bool IsChallenge { get; init; }

    /// <inheritdoc/>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        if (RetryAfterSeconds is { } seconds)
        {
            httpContext.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        if (IsChallenge)
        {
            httpContext.Response.Headers.WWWAuthenticate = "Basic realm=\"All the API\", charset=\"UTF-8\"";
        }

        return JsonOutput.WriteAsync(httpContext, status, write, static (writer, action) => action(writer), "application/json");
    }
}
