using System.Net;

namespace Moorcheh.Pipelines;

/// <summary>What a failed call of the embedder says about the next one.</summary>
internal enum EmbedFailure
{
    /// <summary>One of the texts may be the reason, so each is worth a call of its own.</summary>
    PerhapsOfAText,

    /// <summary>The service is away or busy, whatever the texts are.</summary>
    OfTheService,

    /// <summary>The service would answer the same to every text and at any time: no right, no such model.</summary>
    Final,
}

/// <summary>Reads the exceptions of generators that call a service over HTTP.</summary>
internal static class EmbedFailures
{
    public static EmbedFailure Of(Exception exception) => exception switch
    {
        HttpRequestException { StatusCode: { } status } => Of(status),
        HttpRequestException => EmbedFailure.OfTheService,
        _ => EmbedFailure.PerhapsOfAText,
    };

    private static EmbedFailure Of(HttpStatusCode status) => status switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.PaymentRequired or HttpStatusCode.Forbidden or HttpStatusCode.NotFound
            or HttpStatusCode.MethodNotAllowed or HttpStatusCode.Gone => EmbedFailure.Final,
        >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest => EmbedFailure.Final,
        HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable
            or HttpStatusCode.GatewayTimeout => EmbedFailure.OfTheService,
        _ => EmbedFailure.PerhapsOfAText,
    };
}
