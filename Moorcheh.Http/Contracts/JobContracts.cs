using System.Text.Json.Serialization;

namespace Moorcheh.Http.Contracts;

/// <summary>Answer of the two upload routes.</summary>
internal sealed record UploadStartedResponse(string Status, string Message, string JobId, string NamespaceName, int Total);

/// <summary>Answer of <c>GET /namespaces/{n}/upload-jobs/{id}</c>.</summary>
internal sealed record UploadJobResponse(
    string JobId,
    string NamespaceName,
    string Status,
    int Total,
    int Processed,
    int Successful,
    int Failed,
    string? LastError,
    string StartedAt,
    string UpdatedAt,
    string? FinishedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? Accepted = null);

/// <summary>Answer of <c>GET /namespaces/{n}/delete-jobs/{id}</c>.</summary>
internal sealed record DeleteJobResponse(
    string JobId,
    string NamespaceName,
    string Status,
    long TotalItems,
    long DeletedItems,
    string? LastError,
    string StartedAt,
    string UpdatedAt,
    string? FinishedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? Accepted = null);

/// <summary>Answer of <c>GET /jobs</c>.</summary>
internal sealed record JobListResponse(string Status, IReadOnlyList<JobEntry> Jobs, string? NextCursor);

/// <summary>Answer of <c>GET /jobs/{id}</c>.</summary>
internal sealed record JobResponse(string Status, JobEntry Job);

/// <summary>A job of any kind: the counters of its own kind are set, those of the others are left out.</summary>
internal sealed record JobEntry
{
    public required string JobId { get; init; }

    public required string Type { get; init; }

    public required string NamespaceName { get; init; }

    public required string Status { get; init; }

    public required bool Cancelled { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Total { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Processed { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Successful { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Failed { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? TotalItems { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? DeletedItems { get; init; }

    public required string? LastError { get; init; }

    public required string StartedAt { get; init; }

    public required string UpdatedAt { get; init; }

    public required string? FinishedAt { get; init; }

    /// <summary>False while it is not known whether the job is on disk; left out otherwise.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Accepted { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<JobErrorEntry>? Errors { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ErrorsOmitted { get; init; }
}

/// <summary>One failed entry of an upload job.</summary>
internal sealed record JobErrorEntry(int Index, string Id, string Message);
