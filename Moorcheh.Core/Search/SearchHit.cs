namespace Moorcheh;

/// <summary>One found item. All parts are of one version of the item.</summary>
public sealed record SearchHit
{
    private static readonly WordPart NoWords = new(null, null, []);

    // Apart, so that hits of semantic searches are no larger for it.
    private readonly WordPart? _words;

    /// <summary>Id of the item.</summary>
    public required string Id { get; init; }

    /// <summary>Namespace that owns it.</summary>
    public required string Namespace { get; init; }

    /// <summary>
    /// What hits are ordered by, 0 to 1, higher is better, rounded to 6 decimals (half away from zero). In a semantic search the ITS score:
    /// <c>sqrt(1 - H2(x))</c> with <c>x = angle / pi</c> and H2 the binary entropy in bits; 0 from 90 degrees on. In a keyword search
    /// <see cref="KeywordScore"/> as a share of the greatest one in the namespaces; in a hybrid search the mixture of both (docs/search.md).
    /// </summary>
    public required double Score { get; init; }

    /// <summary>The ITS score in words, from <c>Close Match</c> (0.894 and more) down to <c>Irrelevant</c> (below 0.1). Empty where there is none.</summary>
    public required string Label { get; init; }

    /// <summary>
    /// The exact cosine of query and item, -1 to 1, the value hits of a semantic search are ordered by; 0 if one is a zero vector, or if there is no
    /// <see cref="SemanticScore"/> in a keyword search.
    /// </summary>
    public required double Cosine { get; init; }

    /// <summary>
    /// The ITS score, 0 to 1, in a keyword or hybrid search; null in a semantic one, whose <see cref="Score"/> it is. Null in a keyword search also when the query
    /// could not be embedded: no generator, another one than the namespace's, or one that failed.
    /// </summary>
    public double? SemanticScore
    {
        get => _words?.Semantic;
        init => _words = (_words ?? NoWords) with { Semantic = value };
    }

    /// <summary>The BM25 score, 0 or more, rounded to 6 decimals, in a keyword or hybrid search; null in a semantic one. No filter changes it.</summary>
    public double? KeywordScore
    {
        get => _words?.Keyword;
        init => _words = (_words ?? NoWords) with { Keyword = value };
    }

    /// <summary>
    /// The words of the query that stand in the text, in lower case and in the order of the query, in a keyword or hybrid search; empty in a
    /// semantic one.
    /// </summary>
    public IReadOnlyList<string> MatchedWords
    {
        get => _words?.Matched ?? [];
        init => _words = (_words ?? NoWords) with { Matched = value };
    }

    /// <summary>Metadata of the item.</summary>
    public required ItemMetadata Metadata { get; init; }

    /// <summary>The text; null in a vector namespace.</summary>
    public required string? Text { get; init; }

    private sealed record WordPart(double? Semantic, double? Keyword, IReadOnlyList<string> Matched);
}
