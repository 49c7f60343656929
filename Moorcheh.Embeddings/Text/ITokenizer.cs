namespace Moorcheh.Embeddings.Text;

/// <summary>Turns text into the ids a model was trained on. Thread-safe; takes any text, and time in proportion to its length.</summary>
internal interface ITokenizer
{
    /// <summary>The id put before every window, or null.</summary>
    int? StartId { get; }

    /// <summary>The id put after every window, or null.</summary>
    int? EndId { get; }

    /// <summary>The id that fills a short row of a batch. It is masked, so any id the model knows will do.</summary>
    int PaddingId { get; }

    /// <summary>The number of ids: every id is below it.</summary>
    int VocabularySize { get; }

    /// <summary>The ids of the whole text, without start and end ids.</summary>
    int[] Encode(string text);
}
