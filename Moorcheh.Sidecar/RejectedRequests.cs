using System.Diagnostics;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Moorcheh.Http;

namespace Moorcheh.Sidecar;

/// <summary>
/// Gives a body of the API to the answers that the server itself makes to requests it could not read, of which no middleware hears. The server
/// tells of such a request by a diagnostic event before it writes the answer; <see cref="RejectionWriter"/> then adds the body.
/// </summary>
internal sealed class RejectedRequests(SidecarDialect dialect, KestrelServerLimits limits) : IObserver<KeyValuePair<string, object?>>
{
    private const string BadRequestEvent = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    /// <summary>Puts a <see cref="RejectionWriter"/> between the server and each connection.</summary>
    public static void Watch(ListenOptions listen) => listen.Use(next => connection =>
    {
        var output = new RejectionWriter(connection.Transport.Output);
        connection.Transport = new Duplex(connection.Transport.Input, output);
        connection.Features.Set(output);
        return next(connection);
    });

    /// <summary>Begins to hear the server of a host.</summary>
    public static void Observe(IServiceProvider services) => services.GetRequiredService<DiagnosticListener>().Subscribe(
        new RejectedRequests(
            services.GetRequiredService<SidecarDialect>(), services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits),
        name => name == BadRequestEvent);

    /// <inheritdoc/>
    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value.Value is IFeatureCollection features
            && features.Get<RejectionWriter>() is { } output
            && features.Get<IBadRequestExceptionFeature>()?.Error is Microsoft.AspNetCore.Http.BadHttpRequestException error
            && features.Get<IHttpResponseFeature>() is { HasStarted: false })
        {
            AddBody(output, ErrorOf(error), features.Get<IHttpRequestFeature>()?.RawTarget ?? "");
        }
    }

    /// <inheritdoc/>
    public void OnCompleted()
    {
    }

    /// <inheritdoc/>
    public void OnError(Exception error)
    {
    }

    private (string Code, string Message) ErrorOf(Microsoft.AspNetCore.Http.BadHttpRequestException error) => error.StatusCode switch
    {
        StatusCodes.Status405MethodNotAllowed => (HttpErrorCodes.MethodNotAllowed, "Method is not allowed for this form of request target."),
        StatusCodes.Status408RequestTimeout => (
            HttpErrorCodes.RequestTimeout, $"Request headers did not arrive within {limits.RequestHeadersTimeout.TotalSeconds} seconds."),
        StatusCodes.Status414UriTooLong => (HttpErrorCodes.UriTooLong, $"Request line is longer than {limits.MaxRequestLineSize} bytes."),
        StatusCodes.Status431RequestHeaderFieldsTooLarge => (
            HttpErrorCodes.HeadersTooLarge,
            $"Request headers are larger than {limits.MaxRequestHeadersTotalSize} bytes, or more than {limits.MaxRequestHeaderCount}."),
        StatusCodes.Status505HttpVersionNotsupported => (HttpErrorCodes.UnsupportedHttpVersion, "HTTP version is not supported; use HTTP/1.1."),
        _ => (HttpErrorCodes.MalformedRequest, $"Request is not valid HTTP: {ReasonOf(error.Message)}."),
    };

    /// <summary>The server's words without what it quotes of the request.</summary>
    private static string ReasonOf(string message)
    {
        int quoted = message.IndexOf(": '", StringComparison.Ordinal);
        return (quoted < 0 ? message : message[..quoted]).TrimEnd('.');
    }

    private void AddBody(RejectionWriter output, (string Code, string Message) found, string target)
    {
        var error = new MoorchehException(found.Code, found.Message)
        {
            Facts = target.Length == 0 ? new Dictionary<string, object> { ["Detail"] = found.Message } : [],
        };
        PathString path = target.StartsWith('/') ? new PathString(target.Split('?')[0]) : default;
        using var body = new MemoryStream();
        var answer = new DefaultHttpContext { Response = { Body = body } };
        if (dialect.Answer(error, path).ExecuteAsync(answer).IsCompletedSuccessfully)
        {
            output.AddBody(answer.Response.ContentType!, body.ToArray());
        }
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
