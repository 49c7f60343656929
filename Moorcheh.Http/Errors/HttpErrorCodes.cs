namespace Moorcheh.Http.Errors;

/// <summary>Codes of errors that only exist over HTTP; all others are <see cref="ErrorCodes"/>.</summary>
internal static class HttpErrorCodes
{
    public const string InvalidJson = "invalid-json";
    public const string WrongType = "wrong-type";
    public const string InvalidParameter = "invalid-parameter";
    public const string InvalidToken = "invalid-token";
    public const string Unauthorized = "unauthorized";
    public const string UnknownRoute = "unknown-route";
    public const string MethodNotAllowed = "method-not-allowed";
    public const string BodyTooLarge = "body-too-large";
    public const string UnsupportedContentType = "unsupported-content-type";
    public const string InternalError = "internal-error";
    public const string NotOffered = "not-offered";
    public const string UnsupportedContentEncoding = "unsupported-content-encoding";
    public const string InvalidContentEncoding = "invalid-content-encoding";
    public const string UnknownHost = "unknown-host";
    public const string MalformedRequest = "malformed-request";
    public const string RequestTimeout = "request-timeout";
    public const string UriTooLong = "uri-too-long";
    public const string HeadersTooLarge = "headers-too-large";
    public const string UnsupportedHttpVersion = "unsupported-http-version";
    public const string ContentTooLarge = "content-too-large";
    public const string ServerBusy = "server-busy";
}
