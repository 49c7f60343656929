using System.Text;
using System.Text.Json;
using Moorcheh.Http.Endpoints;

namespace Moorcheh.Http.Artifacts;

/// <summary>The artifacts API: one secret header, and errors as <c>{"detail":...}</c>.</summary>
internal sealed class ArtifactDialect(MoorchehHttpOptions options) : IApiDialect
{
    private readonly SecretSet _secrets = new(options.ArtifactsSecret.Length > 0 ? [options.ArtifactsSecret] : options.ApiKeys.Select(key => $"Bearer {key}"));

    public bool Allows(HttpRequest request)
    {
        var sent = request.Headers.Authorization;
        return _secrets.IsEmpty || (sent.Count == 1 && Ascii.IsValid(sent[0] ?? "") && _secrets.Contains(sent[0]));
    }

    public IResult? Answer(Exception error, RouteRules rules) => Answer(error);

    /// <summary>The answer for an error; null for one that clients must not see.</summary>
    public static IResult? Answer(Exception error) => error switch
    {
        SchemaException schema => new ArtifactAnswer(StatusCodes.Status422UnprocessableEntity, writer => WriteFaults(writer, schema.Faults)),
        MoorchehException { Code: HttpErrorCodes.InvalidJson } broken => Answer(new SchemaException([BrokenJson(broken)])),
        MoorchehException known when StatusOf(known.Code) is { } status =>
            new ArtifactAnswer(status, writer => WriteDetail(
                writer, TextOf(known), known.Code == ErrorCodes.OutcomeUnknown ? known.Facts.GetValueOrDefault("JobId") as string : null))
            {
                RetryAfterSeconds = status == StatusCodes.Status503ServiceUnavailable ? known.Code == ErrorCodes.ShuttingDown ? 5 : 1 : null,
                IsChallenge = known.Code == HttpErrorCodes.Unauthorized,
            },
        _ => null,
    };

    public IResult Internal(string reference) =>
        new ArtifactAnswer(StatusCodes.Status500InternalServerError, writer => WriteDetail(writer, $"Internal error, reference {reference}."));

    private static int? StatusOf(string code) => code switch
    {
        ErrorCodes.InvalidFile or ErrorCodes.ArtifactNotFound or HttpErrorCodes.InvalidContentEncoding or HttpErrorCodes.MalformedRequest => 400,
        HttpErrorCodes.Unauthorized => 401,
        HttpErrorCodes.UnknownRoute or ErrorCodes.JobNotFound or ErrorCodes.UriNotAccessible => 404,
        HttpErrorCodes.MethodNotAllowed => 405,
        HttpErrorCodes.RequestTimeout => 408,
        ErrorCodes.ArtifactBusy or ErrorCodes.ArtifactRevoked or ErrorCodes.ItemLimitExceeded or ErrorCodes.EmbeddingModelMismatch
            or ErrorCodes.WrongNamespaceType or ErrorCodes.NamespaceDeleting or ErrorCodes.NamespaceDeleteFailed or ErrorCodes.NamespaceLimitExceeded => 409,
        HttpErrorCodes.BodyTooLarge or HttpErrorCodes.ContentTooLarge => 413,
        HttpErrorCodes.UriTooLong => 414,
        HttpErrorCodes.UnsupportedContentEncoding => 415,
        HttpErrorCodes.UnknownHost => 421,
        HttpErrorCodes.HeadersTooLarge => 431,
        ErrorCodes.EmbedderMissing or ErrorCodes.EmbedderFailed or ErrorCodes.NotReady or ErrorCodes.ShuttingDown or ErrorCodes.QueueFull
            or HttpErrorCodes.ServerBusy => 503,
        ErrorCodes.OutcomeUnknown => 504,
        HttpErrorCodes.UnsupportedHttpVersion => 505,
        ErrorCodes.StorageFull or ErrorCodes.StorageReadOnly or ErrorCodes.JournalFull => 507,
        _ => null,
    };

    private static string TextOf(MoorchehException error) => error.Code switch
    {
        HttpErrorCodes.Unauthorized => "Not authenticated",
        HttpErrorCodes.UnknownRoute => "Not Found",
        HttpErrorCodes.MethodNotAllowed => "Method Not Allowed",
        HttpErrorCodes.UnknownHost => $"{error.Message} Served are {error.Facts["Served"]}.",
        _ => error.Message,
    };

    private static SchemaFault BrokenJson(MoorchehException error) =>
        new("json_invalid", ["body", error.Facts.TryGetValue("Offset", out object? offset) ? (int)offset : 0],
            "JSON decode error", null, ("error", "Invalid JSON"))
        { HidesInput = true };

    private static void WriteFaults(Utf8JsonWriter writer, IReadOnlyList<SchemaFault> faults)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("detail"u8);
        foreach (SchemaFault fault in faults)
        {
            fault.Write(writer);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteDetail(Utf8JsonWriter writer, string text, string? taskId = null)
    {
        writer.WriteStartObject();
        writer.WriteString("detail"u8, text);
        if (taskId is not null)
        {
            writer.WriteString("task_id"u8, taskId);
        }

        writer.WriteEndObject();
    }
}
