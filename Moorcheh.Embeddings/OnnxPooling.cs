namespace Moorcheh.Embeddings;

/// <summary>How the vectors of a window's tokens become the one of the window.</summary>
public enum OnnxPooling
{
    /// <summary>The mean of all tokens, start and end included.</summary>
    Mean,

    /// <summary>The first token, which BERT calls [CLS].</summary>
    Cls,

    /// <summary>The greatest value of each place.</summary>
    Max,

    /// <summary>The last token, as decoders such as Qwen3-Embedding do.</summary>
    LastToken,
}
