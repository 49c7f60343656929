
namespace Moorcheh;

public sealed partial class MoorchehStore
{
    /// <summary>
    /// Finds the items nearest to a text or vector. Exact and deterministic: the answer depends on the data and the query only. Never
    /// waits for an upload.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="SearchRequest.TopK"/> is out of range.</exception>
    /// <exception cref="MoorchehException">
    /// The codes of <see cref="GetNamespace"/>, <see cref="ErrorCodes.EmptyField"/>, <see cref="ErrorCodes.QueryTooLong"/>,
    /// <see cref="ErrorCodes.NonFiniteValue"/>, <see cref="ErrorCodes.DimensionMismatch"/>, <see cref="ErrorCodes.TooManyNamespaces"/>,
    /// <see cref="ErrorCodes.WrongNamespaceType"/>, <see cref="ErrorCodes.OutOfRange"/>, <see cref="ErrorCodes.EmbeddingModelMismatch"/>,
    /// <see cref="ErrorCodes.EmbedderMissing"/>, <see cref="ErrorCodes.EmbedderFailed"/>.
    /// </exception>
    public async Task<SearchResult> SearchAsync(SearchRequest request, CancellationToken cancellationToken = default)
    {
        using (_parts.Operations.Enter())
        {
            return await _parts.Search.SearchAsync(request, null, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// As <see cref="SearchAsync(SearchRequest, CancellationToken)"/>, but the hits have neither text nor metadata: their items, as searched, come into
    /// a set, to be read one by one.
    /// </summary>
    /// <param name="request">The search.</param>
    /// <param name="items">Takes the items in the order of the hits, in place of what is in it.</param>
    /// <param name="cancellationToken">Looked at between the steps.</param>
    public async Task<SearchResult> SearchAsync(SearchRequest request, PinnedItems items, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        using (_parts.Operations.Enter())
        {
            return await _parts.Search.SearchAsync(request, items.Records, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Runs many searches in less time than one by one: text queries are embedded in one call, and searches of the same namespaces with the
    /// same filters read the one-bit codes once for every four of them. Requests may differ in everything; those that agree in
    /// <see cref="SearchRequest.Namespaces"/>, filters and <see cref="SearchRequest.Threads"/> share work. All requests are checked before
    /// any work is done; a call that fails gives no results, and repeating it is safe. Safe for use from several threads; never waits for
    /// an upload.
    /// </summary>
    /// <param name="requests">Up to <see cref="SearchRequest.MaxBatch"/> searches; none is fine.</param>
    /// <param name="cancellationToken">Looked at between the steps.</param>
    /// <returns>
    /// The answers in the order of the requests, each with the same hits, bit for bit, as <see cref="SearchAsync(SearchRequest, CancellationToken)"/> gives on the same data.
    /// Steps that searches did together count in full in the timings of each.
    /// </returns>
    /// <exception cref="ArgumentException">There are too many requests, or one is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">As <see cref="SearchAsync(SearchRequest, CancellationToken)"/>; the message begins with the number of the query.</exception>
    /// <exception cref="MoorchehException">
    /// As <see cref="SearchAsync(SearchRequest, CancellationToken)"/>; when a request is to blame, the message begins with its number, counted from 0, which is also the fact
    /// <c>Query</c>.
    /// </exception>
    public async Task<IReadOnlyList<SearchResult>> SearchBatchAsync(
        IReadOnlyList<SearchRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        using (_parts.Operations.Enter())
        {
            return await _parts.SearchBatch.SearchAsync(requests, cancellationToken).ConfigureAwait(false);
        }
    }
}
