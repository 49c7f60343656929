namespace Moorcheh;

/// <summary>A stored item, as it was at the moment of the call. All parts are of one version.</summary>
public sealed record Item
{
    /// <summary>Id, unique in its namespace.</summary>
    public required string Id { get; init; }

    /// <summary>Metadata as uploaded; <see cref="ItemMetadata.Empty"/> if there was none.</summary>
    public required ItemMetadata Metadata { get; init; }

    /// <summary>The text; null in a vector namespace.</summary>
    public required string? Text { get; init; }

    /// <summary>When an item of this id was first stored (UTC); an update keeps it.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When this version was stored (UTC).</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}
