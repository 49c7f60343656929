using Moorcheh.Http.Artifacts;
using Moorcheh.Http.Endpoints;

namespace Moorcheh.Http;

/// <summary>
/// Answers in the error formats of the two APIs, for what a host refuses before a route is reached: in its middleware, its rate limiter, its server.
/// Statuses and headers follow from the code.
/// </summary>
public static class MoorchehErrorResults
{
    /// <summary>The answer of the Moorcheh API: <c>{"status":...,"message":...,"code":...}</c>.</summary>
    /// <param name="error">A code of <see cref="ErrorCodes"/> or <see cref="HttpErrorCodes"/>, and the text.</param>
    /// <param name="isSearch">True for <c>POST /search</c>, which answers some errors differently.</param>
    /// <exception cref="ArgumentException">The code is of an error that clients are not told of.</exception>
    public static IResult ForMoorcheh(MoorchehException error, bool isSearch = false)
    {
        ArgumentNullException.ThrowIfNull(error);
        return MoorchehDialect.Answer(error, isSearch) ?? throw NotTold(error);
    }

    /// <summary>The answer of the artifacts API: <c>{"detail":...}</c>.</summary>
    /// <param name="error">As for <see cref="ForMoorcheh"/>.</param>
    /// <exception cref="ArgumentException">As <see cref="ForMoorcheh"/>.</exception>
    public static IResult ForArtifacts(MoorchehException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return ArtifactDialect.Answer(error) ?? throw NotTold(error);
    }

    private static ArgumentException NotTold(MoorchehException error) => new($"Clients are not told of errors with the code '{error.Code}'.", nameof(error), error);
}
