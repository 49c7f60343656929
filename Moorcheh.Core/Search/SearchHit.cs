namespace Moorcheh;

/// <summary>One found item. All parts are of one version of the item.</summary>
public sealed record SearchHit
{
    /// <summary>Id of the item.</summary>
    public required string Id { get; init; }

    /// <summary>Namespace that owns it.</summary>
    public required string Namespace { get; init; }

    /// <summary>
    /// ITS score, 0 to 1, higher is better, rounded to 6 decimals (half away from zero): <c>sqrt(1 - H2(x))</c> with <c>x = angle / pi</c> and
    /// H2 the binary entropy in bits; 0 from 90 degrees on.
    /// </summary>
    public required double Score { get; init; }

    /// <summary>The score in words, from <c>Close Match</c> (0.894 and more) down to <c>Irrelevant</c> (below 0.1).</summary>
    public required string Label { get; init; }

    /// <summary>The exact cosine of query and item, -1 to 1, the value hits are ordered by; 0 if one is a zero vector.</summary>
    public required double Cosine { get; init; }

    /// <summary>Metadata of the item.</summary>
    public required ItemMetadata Metadata { get; init; }

    /// <summary>The text; null in a vector namespace.</summary>
    public required string? Text { get; init; }
}
