using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Moorcheh.Http.Json;

namespace Moorcheh.Http.Endpoints;

/// <summary>
/// A successful answer. The framework's own results take their JSON settings from the host; the wire format of this API
/// must not depend on them.
/// </summary>
internal sealed class JsonAnswer<T>(T value, JsonTypeInfo<T> type, int statusCode = StatusCodes.Status200OK, string? location = null)
    : IResult, IStatusCodeHttpResult, IValueHttpResult<T>
{
    public T? Value => value;

    public int? StatusCode => statusCode;

    /// <inheritdoc/>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        if (location is not null)
        {
            httpContext.Response.Headers.Location = location;
        }

        return JsonOutput.WriteAsync(httpContext, statusCode, this, static (writer, answer) => answer.Write(writer));
    }

    private void Write(Utf8JsonWriter writer) => JsonSerializer.Serialize(writer, value, type);
}
