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
    public const string ContentTooLarge = "content-too-large";
    public const string RequestTimeout = "request-timeout";
    public const string ServerBusy = "server-busy";
}
