using Moorcheh.Http.Errors;

namespace Moorcheh.Http.Endpoints;

/// <summary>The Moorcheh API: keys, and errors by <see cref="ErrorTable"/>.</summary>
internal sealed class MoorchehDialect(MoorchehHttpOptions options) : IApiDialect
{
    private readonly ApiKeyCheck _keys = new(options.ApiKeys);

    public bool Allows(HttpRequest request) => _keys.Allows(request);

    public IResult? Answer(Exception error, RouteRules rules) =>
        error is MoorchehException known && ErrorTable.Get(known.Code).Status != StatusCodes.Status500InternalServerError
            ? ErrorAnswer.From(known, rules.IsSearch)
            : null;

    public IResult Internal(string reference) => ErrorAnswer.Internal(reference);
}
