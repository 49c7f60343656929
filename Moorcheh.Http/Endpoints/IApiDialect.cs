namespace Moorcheh.Http.Endpoints;

/// <summary>What differs between the APIs that are served: who may call, and how errors look.</summary>
internal interface IApiDialect
{
    /// <summary>True when the request carries what the API asks for.</summary>
    bool Allows(HttpRequest request);

    /// <summary>The answer for an error; null for one that clients must not see.</summary>
    IResult? Answer(Exception error, RouteRules rules);

    /// <summary>The answer for a defect; the log holds the rest under the same reference.</summary>
    IResult Internal(string reference);
}
