namespace Moorcheh.Http.Contracts;

/// <summary>Answer of <c>POST /namespaces/{n}/items/delete</c>.</summary>
internal sealed record ItemsDeletedResponse(
    string Status,
    string Message,
    string NamespaceName,
    int Requested,
    int Deleted,
    IReadOnlyList<string> NotFoundIds,
    IReadOnlyList<string> DeletedIds,
    int ActualDeletions);

/// <summary>Answer of <c>POST /namespaces/{n}/items/delete</c> with a filter.</summary>
internal sealed record ItemDeleteStartedResponse(string Status, string Message, string JobId, string NamespaceName, long TotalItems);

/// <summary>Answer of <c>POST /namespaces/{n}/items/count</c>.</summary>
internal sealed record ItemCountResponse(string Status, string NamespaceName, long Count);

/// <summary>How to go on.</summary>
internal sealed record Pagination(int Limit, bool HasMore, string? NextToken);
