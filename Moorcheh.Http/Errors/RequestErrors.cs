using System.Text.Json;
using Moorcheh.Http.Json;

namespace Moorcheh.Http.Errors;

/// <summary>Errors of requests that never reach the store, with their texts.</summary>
internal static class RequestErrors
{
    public static MoorchehException BodyMissing() => new(HttpErrorCodes.InvalidJson, "Request body is missing.");

    /// <summary>Line and byte count from 1; the offset counts characters of the whole body from 0.</summary>
    public static MoorchehException InvalidJson(long line, long column, int offset = 0) =>
        new(HttpErrorCodes.InvalidJson, $"Request body is not valid JSON (line {line}, byte {column}).")
        {
            Facts = new Dictionary<string, object> { ["Offset"] = offset },
        };

    public static MoorchehException BodyNotObject(string found) => new(HttpErrorCodes.WrongType, $"Request body must be an object, not {found}.");

    public static MoorchehException BodyTooLarge(long limit) => new(HttpErrorCodes.BodyTooLarge, $"Request body is larger than {limit} bytes.");

    public static MoorchehException UnsupportedContentType(string? found) => new(
        HttpErrorCodes.UnsupportedContentType,
        string.IsNullOrEmpty(found)
            ? "Content-Type is missing; send 'application/json'."
            : $"Content-Type '{found}' is not supported; send 'application/json'.");

    public static MoorchehException UnsupportedContentEncoding(string found) => new(
        HttpErrorCodes.UnsupportedContentEncoding, $"Content-Encoding '{found}' is not supported; send one of '{DecodedBody.Encodings}', or none.");

    public static MoorchehException InvalidContentEncoding(string encoding) =>
        new(HttpErrorCodes.InvalidContentEncoding, $"Request body is not valid '{encoding}', as its Content-Encoding says.");

    public static MoorchehException BodyExpands(string encoding, long sent, long decoded, int limit) => new(
        HttpErrorCodes.BodyTooLarge, $"Request body grows by more than {limit} times when '{encoding}' is decoded ({decoded} bytes from {sent}).");

    public static MoorchehException MissingField(string field) => new(ErrorCodes.MissingField, $"Field '{field}' is required.");

    public static MoorchehException EmptyField(string field) => new(ErrorCodes.EmptyField, $"Field '{field}' must not be empty.");

    public static MoorchehException WrongType(string place, string expected, string found) =>
        new(HttpErrorCodes.WrongType, $"{place} must be {expected}, not {found}.");

    public static MoorchehException InvalidParameter(string name, string expected, string found) =>
        new(HttpErrorCodes.InvalidParameter, $"Query parameter '{name}' must be {expected}, not '{found}'.");

    public static MoorchehException TooMany(string code, string field, int entries, int limit) =>
        new(code, $"Field '{field}' has {entries} entries; the limit is {limit}.");

    public static MoorchehException WrongNamespaceType(string name, NamespaceKind kind, string what) => kind == NamespaceKind.Vector
        ? new(ErrorCodes.WrongNamespaceType, $"Namespace '{name}' is a vector namespace; {what} a text namespace.")
        : new(ErrorCodes.WrongNamespaceType, $"Namespace '{name}' is a text namespace; {what} a vector namespace.");

    public static MoorchehException JobNotFound(string kind, string jobId, string namespaceName) =>
        new(ErrorCodes.JobNotFound, $"{kind} job '{jobId}' not found in namespace '{namespaceName}'.");

    public static MoorchehException JobNotFound(string jobId) => new(ErrorCodes.JobNotFound, $"Job '{jobId}' not found.");

    public static MoorchehException Unauthorized() => new(HttpErrorCodes.Unauthorized, "Missing or invalid API key.");

    public static MoorchehException UnknownRoute(string method, string path) => new(HttpErrorCodes.UnknownRoute, $"No route {method} {path}.");

    public static MoorchehException MethodNotAllowed(string method, string path, IReadOnlyList<string> allowed) => new(
        HttpErrorCodes.MethodNotAllowed, $"Method {method} is not allowed on {path}; use {string.Join(" or ", allowed)}.");

    public static MoorchehException NotOffered(string method, string path) =>
        new(HttpErrorCodes.NotOffered, $"This build does not offer {method} {path}.");

    public static MoorchehException NotReady() => new(ErrorCodes.NotReady, "Server is still loading its data.");

    public static MoorchehException ShuttingDown() => new(ErrorCodes.ShuttingDown, "Server is shutting down.");

    public static MoorchehException RequestTimeout(int bytesPerSecond, int graceSeconds) => new(
        HttpErrorCodes.RequestTimeout, $"Request body came too slowly: less than {bytesPerSecond} bytes/s after {graceSeconds} s.");

    public static MoorchehException ServerBusy(long taken, long budget) => new(
        HttpErrorCodes.ServerBusy, $"Server is busy: requests and answers under way hold {taken} of {budget} bytes.");

    public static MoorchehException AnswerOvertaken() => new(
        HttpErrorCodes.ServerBusy, "What was asked for was replaced or removed while it was being read; ask again.");

    /// <summary>The word of a JSON kind in messages.</summary>
    public static string KindOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Null => "null",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        JsonValueKind.Number => "a number",
        JsonValueKind.String => "a string",
        JsonValueKind.Array => "an array",
        JsonValueKind.Object => "an object",
        _ => "nothing",
    };
}
