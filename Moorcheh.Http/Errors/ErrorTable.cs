using System.Collections.Frozen;

namespace Moorcheh.Http.Errors;

/// <summary>The one place where an error code gets its HTTP status. A test walks all codes.</summary>
internal static class ErrorTable
{
    private static readonly ErrorRule BadRequest = new(400);

    // What a search names in its body is part of the request, so a namespace that cannot be searched is a bad request there.
    private static readonly ErrorRule NotFound = new(404, SearchStatus: 400);
    private static readonly ErrorRule Conflict = new(409, SearchStatus: 400);
    private static readonly ErrorRule BadGateway = new(502, SearchStatus: 400);
    private static readonly ErrorRule Internal = new(500);

    // Which API a request meant is not known when its target was not read: the artifacts API has its text under this key.
    private static readonly string[] UnreadTarget = ["Detail"];

    private static readonly FrozenDictionary<string, ErrorRule> Rules = new Dictionary<string, ErrorRule>
    {
        [HttpErrorCodes.InvalidJson] = BadRequest,
        [HttpErrorCodes.WrongType] = BadRequest,
        [HttpErrorCodes.InvalidParameter] = BadRequest,
        [HttpErrorCodes.InvalidToken] = BadRequest,
        [ErrorCodes.MissingField] = BadRequest,
        [ErrorCodes.EmptyField] = BadRequest,
        [ErrorCodes.OutOfRange] = BadRequest,
        [ErrorCodes.InvalidName] = BadRequest,
        [ErrorCodes.InvalidType] = BadRequest,
        [ErrorCodes.InvalidDimension] = BadRequest,
        [ErrorCodes.InvalidId] = BadRequest,
        [ErrorCodes.InvalidText] = BadRequest,
        [ErrorCodes.InvalidMetadata] = BadRequest,
        [ErrorCodes.InvalidFilter] = BadRequest,
        [ErrorCodes.DimensionMismatch] = BadRequest,
        [ErrorCodes.NonFiniteValue] = BadRequest,
        [ErrorCodes.TooManyItems] = BadRequest,
        [ErrorCodes.TooManyIds] = BadRequest,
        [ErrorCodes.TooManyNamespaces] = BadRequest,
        [ErrorCodes.QueryTooLong] = BadRequest,
        [ErrorCodes.WrongNamespaceType] = BadRequest,
        [ErrorCodes.InvalidFile] = BadRequest,

        [HttpErrorCodes.InvalidContentEncoding] = BadRequest,
        [HttpErrorCodes.MalformedRequest] = new(400, Facts: UnreadTarget),

        [HttpErrorCodes.Unauthorized] = new(401),
        [HttpErrorCodes.UnknownRoute] = new(404),
        [ErrorCodes.NamespaceNotFound] = NotFound,
        [ErrorCodes.JobNotFound] = new(404),
        [ErrorCodes.ItemNotFound] = new(404),
        [ErrorCodes.ArtifactNotFound] = new(404),
        [ErrorCodes.UriNotAccessible] = new(404),
        [HttpErrorCodes.MethodNotAllowed] = new(405),

        [ErrorCodes.NamespaceExists] = Conflict,
        [ErrorCodes.NamespaceDeleting] = new(409, SearchStatus: 400, Facts: ["JobId", "NamespaceName"]),
        [ErrorCodes.NamespaceReembedding] = new(409, Facts: ["JobId", "NamespaceName"]),
        [ErrorCodes.NamespaceDeleteFailed] = Conflict,
        [ErrorCodes.NamespaceLimitExceeded] = Conflict,
        [ErrorCodes.ItemLimitExceeded] = new(409, Facts: ["Items", "MaxItems", "RequestedNew", "Reserved"]),
        [ErrorCodes.EmbeddingModelMismatch] = Conflict,
        [ErrorCodes.JobFinished] = Conflict,
        [ErrorCodes.JobNotCancellable] = Conflict,
        [ErrorCodes.ItemOwnedByArtifact] = Conflict,
        [ErrorCodes.ArtifactBusy] = Conflict,
        [ErrorCodes.ArtifactRevoked] = Conflict,

        [HttpErrorCodes.BodyTooLarge] = new(413),
        [HttpErrorCodes.ContentTooLarge] = new(413),
        [HttpErrorCodes.RequestTimeout] = new(408, Facts: UnreadTarget),
        [HttpErrorCodes.UriTooLong] = new(414, Facts: UnreadTarget),
        [HttpErrorCodes.UnsupportedContentType] = new(415),
        [HttpErrorCodes.UnsupportedContentEncoding] = new(415),
        [HttpErrorCodes.UnknownHost] = new(421),
        [HttpErrorCodes.HeadersTooLarge] = new(431),

        [HttpErrorCodes.InternalError] = Internal,
        [ErrorCodes.ProcessEnded] = Internal,
        [ErrorCodes.StorageFailed] = Internal,
        [ErrorCodes.StorageDamaged] = Internal,
        [ErrorCodes.UnsupportedFormat] = Internal,
        [ErrorCodes.DirectoryLocked] = Internal,

        [HttpErrorCodes.NotOffered] = new(501),
        [ErrorCodes.EmbedderMissing] = BadGateway,
        [ErrorCodes.EmbedderFailed] = BadGateway,
        [ErrorCodes.NotReady] = new(503, RetryAfterSeconds: 1),
        [ErrorCodes.ShuttingDown] = new(503, RetryAfterSeconds: 5),
        [ErrorCodes.QueueFull] = new(503, RetryAfterSeconds: 1),
        [ErrorCodes.ItemGone] = new(503, RetryAfterSeconds: 1),
        [HttpErrorCodes.ServerBusy] = new(503, RetryAfterSeconds: 1),
        [ErrorCodes.OutcomeUnknown] = new(504, Facts: ["JobId", "NamespaceName"]),
        [HttpErrorCodes.UnsupportedHttpVersion] = new(505, Facts: UnreadTarget),
        [ErrorCodes.StorageFull] = new(507),
        [ErrorCodes.StorageReadOnly] = new(507),
        [ErrorCodes.JournalFull] = new(507, Facts: ["JournalBytes", "MaxJournalBytes"]),
    }.ToFrozenDictionary();

    /// <summary>Every code with a rule.</summary>
    public static IEnumerable<string> Codes => Rules.Keys;

    /// <summary>The rule of a code. A code without one is a defect of ours and answered like one.</summary>
    public static ErrorRule Get(string code) => Rules.GetValueOrDefault(code, Internal);
}
