namespace Moorcheh.Http.Errors;

/// <summary>How an error code is answered.</summary>
/// <param name="Status">HTTP status. 500 means that the client gets a reference only, never the code or the message.</param>
/// <param name="RetryAfterSeconds">Value of <c>Retry-After</c>; null sends none.</param>
/// <param name="SearchStatus">Status on <c>POST /search</c> when it differs from <paramref name="Status"/>.</param>
/// <param name="Facts">Facts of the exception that are sent as extra keys, in this order.</param>
internal sealed record ErrorRule(int Status, int? RetryAfterSeconds = null, int? SearchStatus = null, string[]? Facts = null)
{
    public int StatusFor(bool isSearch) => isSearch ? SearchStatus ?? Status : Status;
}
