using Moorcheh.Http.Errors;

namespace Moorcheh.Http.Endpoints;

/// <summary>The Moorcheh API: keys, and errors by <see cref="ErrorTable"/>.</summary>
internal sealed class MoorchehDialect(MoorchehHttpOptions options) : IApiDialect
{
    private readonly ApiKeyCheck _keys = new(options.ApiKeys);

    public bool Allows(HttpRequest request) => _keys.Allows(request);

    public IResult? Answer(Exception error, RouteRules rules) => Answer(error, rules.IsSearch);

    /// <summary>The answer for an error; null for one that clients must not see.</summary>
    public static IResult? Answer(Exception error, bool isSearch) =>
        error is MoorchehException known && ErrorTable.Get(known.Code).Status != StatusCodes.Status500InternalServerError
            ? ErrorAnswer.From(known, isSearch)
            : null;

    public IResult Internal(string reference) => ErrorAnswer.Internal(reference);
}
