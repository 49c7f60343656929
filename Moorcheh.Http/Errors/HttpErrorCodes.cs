namespace Moorcheh.Http;

/// <summary>Codes of errors that only exist over HTTP; all others are <see cref="ErrorCodes"/>.</summary>
public static class HttpErrorCodes
{
    /// <summary>The body is missing or is not JSON; also a body that ended early.</summary>
    public const string InvalidJson = "invalid-json";

    /// <summary>A field or the body is of another JSON kind than it must be.</summary>
    public const string WrongType = "wrong-type";

    /// <summary>A query parameter cannot be read.</summary>
    public const string InvalidParameter = "invalid-parameter";

    /// <summary>A page token or cursor is not one of its list.</summary>
    public const string InvalidToken = "invalid-token";

    /// <summary>The API key is missing or wrong.</summary>
    public const string Unauthorized = "unauthorized";

    /// <summary>There is no such route.</summary>
    public const string UnknownRoute = "unknown-route";

    /// <summary>The route has other methods.</summary>
    public const string MethodNotAllowed = "method-not-allowed";

    /// <summary>The body is larger than its route takes.</summary>
    public const string BodyTooLarge = "body-too-large";

    /// <summary>The body is not declared as JSON.</summary>
    public const string UnsupportedContentType = "unsupported-content-type";

    /// <summary>A defect; the log holds the rest under the reference in the message.</summary>
    public const string InternalError = "internal-error";

    /// <summary>A documented route that this build does not have.</summary>
    public const string NotOffered = "not-offered";

    /// <summary>The body has an encoding that is not decoded.</summary>
    public const string UnsupportedContentEncoding = "unsupported-content-encoding";

    /// <summary>The body cannot be decoded as its encoding says.</summary>
    public const string InvalidContentEncoding = "invalid-content-encoding";

    /// <summary>The request names a host that is not served.</summary>
    public const string UnknownHost = "unknown-host";

    /// <summary>The request is not valid HTTP.</summary>
    public const string MalformedRequest = "malformed-request";

    /// <summary>Body or headers came too slowly.</summary>
    public const string RequestTimeout = "request-timeout";

    /// <summary>The request line is too long.</summary>
    public const string UriTooLong = "uri-too-long";

    /// <summary>The headers are too large, or too many.</summary>
    public const string HeadersTooLarge = "headers-too-large";

    /// <summary>The version of HTTP is not served.</summary>
    public const string UnsupportedHttpVersion = "unsupported-http-version";

    /// <summary>The answer would be larger than is allowed.</summary>
    public const string ContentTooLarge = "content-too-large";

    /// <summary>What requests and answers under way may hold together is taken; also an answer that was overtaken by changes.</summary>
    public const string ServerBusy = "server-busy";
}
