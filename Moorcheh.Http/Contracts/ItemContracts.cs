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

/// <summary>How to go on.</summary>
internal sealed record Pagination(int Limit, bool HasMore, string? NextToken);
