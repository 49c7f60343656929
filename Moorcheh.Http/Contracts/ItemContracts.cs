using System.Text.Json.Serialization;

namespace Moorcheh.Http.Contracts;

/// <summary>Answer of <c>POST /namespaces/{n}/items/get</c>.</summary>
internal sealed record ItemsResponse(string Status, string Message, int RequestedIds, int FoundItems, IReadOnlyList<ItemEntry> Items);

/// <summary>One item; <c>text</c> is left out in vector namespaces.</summary>
internal sealed record ItemEntry(
    string Id,
    [property: JsonConverter(typeof(MetadataConverter))] ItemMetadata Metadata,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Text);

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

/// <summary>Answer of <c>GET /namespaces/{n}/documents/fetch-text-data</c>.</summary>
internal sealed record TextPageResponse(
    string Status,
    string Message,
    string Namespace,
    TextPageStatistics Statistics,
    IReadOnlyList<TextPageItem> Items,
    Pagination Pagination,
    decimal ExecutionTime);

/// <summary>Figures about one page of texts.</summary>
internal sealed record TextPageStatistics(
    int TotalItems,
    int TotalTextChunks,
    int TotalSummaryChunks,
    string? CreatedAtMin,
    string? CreatedAtMax,
    IReadOnlyDictionary<string, int> SourceCounts);

/// <summary>One text of a page.</summary>
internal sealed record TextPageItem(
    string Id,
    string Text,
    [property: JsonConverter(typeof(MetadataConverter))] ItemMetadata Metadata,
    string CreatedAt,
    bool IsSummary);

/// <summary>How to go on.</summary>
internal sealed record Pagination(int Limit, bool HasMore, string? NextToken);
