namespace Moorcheh.Http.Endpoints;

/// <summary>What is special about a route; kept in its metadata.</summary>
internal sealed record RouteRules
{
    public static RouteRules Default { get; } = new();

    /// <summary>Answers without an API key.</summary>
    public bool IsKeyExempt { get; init; }

    /// <summary>Answers while the store is loading or closing: it does not need the store.</summary>
    public bool IsServedAlways { get; init; }

    /// <summary><c>POST /search</c>, whose 400 answers carry <c>"status":"error"</c>.</summary>
    public bool IsSearch { get; init; }
}
