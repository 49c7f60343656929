namespace Moorcheh;

/// <summary>A search by text (text namespaces) or by vector (vector namespaces).</summary>
public sealed class SearchRequest
{
    /// <summary>Default of <see cref="TopK"/>.</summary>
    public const int DefaultTopK = 10;

    /// <summary>Greatest <see cref="TopK"/>.</summary>
    public const int MaxTopK = 100;

    /// <summary>Most namespaces in one search.</summary>
    public const int MaxNamespaces = 64;

    /// <summary>Greatest <see cref="Threads"/>.</summary>
    public const int MaxThreads = 64;

    /// <summary>Most UTF-8 bytes of a text query, its filters included.</summary>
    public const int MaxQueryBytes = 8192;

    /// <summary>Most searches in one <see cref="MoorchehStore.SearchBatchAsync"/>.</summary>
    public const int MaxBatch = 1024;

    /// <summary>Default of <see cref="KeywordWeight"/>.</summary>
    public const double DefaultKeywordWeight = 0.4;

    /// <summary>Searches one vector namespace by vector.</summary>
    public SearchRequest(string namespaceName, float[] vector)
        : this([namespaceName], new ReadOnlyMemory<float>(vector))
    {
    }

    /// <summary>Searches vector namespaces by vector, in one ranking.</summary>
    /// <param name="namespaces">1 to <see cref="MaxNamespaces"/> names; repeats collapse.</param>
    /// <param name="vector">As many finite values as every namespace named has dimensions.</param>
    public SearchRequest(IReadOnlyList<string> namespaces, ReadOnlyMemory<float> vector)
    {
        ArgumentNullException.ThrowIfNull(namespaces);
        Namespaces = namespaces;
        Vector = vector;
    }

    /// <summary>Searches one text namespace by text.</summary>
    public SearchRequest(string namespaceName, string text)
        : this([namespaceName], text)
    {
    }

    /// <summary>Searches text namespaces by text, in one ranking.</summary>
    /// <param name="namespaces">1 to <see cref="MaxNamespaces"/> names; repeats collapse.</param>
    /// <param name="text">
    /// What to look for; words such as <c>#key:value</c> and <c>#keyword</c> at its end are filters
    /// (see the section on filters in docs/search.md).
    /// </param>
    public SearchRequest(IReadOnlyList<string> namespaces, string text)
    {
        ArgumentNullException.ThrowIfNull(namespaces);
        ArgumentNullException.ThrowIfNull(text);
        Namespaces = namespaces;
        Text = text;
    }

    /// <summary>Names of the namespaces to search.</summary>
    public IReadOnlyList<string> Namespaces { get; }

    /// <summary>The text query; null in a search by vector.</summary>
    public string? Text { get; }

    /// <summary>The query vector; empty in a search by text.</summary>
    public ReadOnlyMemory<float> Vector { get; }

    /// <summary>Most hits over all namespaces, 1 to <see cref="MaxTopK"/>. Default <see cref="DefaultTopK"/>.</summary>
    public int TopK { get; init; } = DefaultTopK;

    /// <summary>How sure the answer is to be the exact one. Default <see cref="SearchGuarantee.Certified"/>.</summary>
    public SearchGuarantee Guarantee { get; init; } = SearchGuarantee.Certified;

    /// <summary>
    /// Threads that scan, 1 to <see cref="MaxThreads"/>. Default 1; the answer is the same with any number, except that
    /// <see cref="SearchGuarantee.Fast"/> may miss another neighbour.
    /// </summary>
    public int Threads { get; init; } = 1;

    /// <summary>By what texts are found. Default <see cref="SearchMode.Semantic"/>, the only one for vectors.</summary>
    public SearchMode Mode { get; init; }

    /// <summary>
    /// Share of the words in the score of a <see cref="SearchMode.Hybrid"/> search, 0 to 1; the rest is the meaning's. Default
    /// <see cref="DefaultKeywordWeight"/>. Other modes do not use it.
    /// </summary>
    public double KeywordWeight { get; init; } = DefaultKeywordWeight;

    /// <summary>Leaves out hits with a lower <see cref="SearchHit.Score"/>, 0 to 1; null keeps all.</summary>
    public double? MinimumScore { get; init; }

    /// <summary>
    /// Only items whose metadata has all these keys with exactly these values: JSON equality, numbers by value, strings
    /// case-sensitive. Null or empty keeps all.
    /// </summary>
    public ItemMetadata? Metadata { get; init; }

    /// <summary>Only items whose metadata pass this. Null keeps all. It changes no raw score (docs/search.md).</summary>
    public Filter? Filter { get; init; }
}
