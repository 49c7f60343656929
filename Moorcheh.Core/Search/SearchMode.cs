namespace Moorcheh;

/// <summary>By what a text query finds texts.</summary>
public enum SearchMode
{
    /// <summary>The default: by meaning, the ITS score of the embedded query and text.</summary>
    Semantic,

    /// <summary>By the words that query and text share, with BM25. Needs no embedding generator.</summary>
    Keyword,

    /// <summary>By both: the scores of each, mapped to 0 to 1, are mixed by <see cref="SearchRequest.KeywordWeight"/>.</summary>
    Hybrid,
}
