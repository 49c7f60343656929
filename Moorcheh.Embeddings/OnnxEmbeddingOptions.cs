namespace Moorcheh.Embeddings;

/// <summary>Settings of an <see cref="OnnxEmbeddingGenerator"/>. Read once, when the generator is made.</summary>
public sealed class OnnxEmbeddingOptions
{
    /// <summary>The largest number of <see cref="Threads"/>.</summary>
    public const int MaxThreads = 256;

    /// <summary>The smallest <see cref="MaxTokens"/>: room for a start, an end and a token between them.</summary>
    public const int MinTokens = 3;

    /// <summary>The <see cref="MaxTokens"/> of a user's model whose files do not say it.</summary>
    public const int DefaultMaxTokens = 256;

    /// <summary>The default of <see cref="MaxWindows"/>.</summary>
    public const int DefaultMaxWindows = 16;

    /// <summary>The largest <see cref="MaxWindows"/>.</summary>
    public const int MaxMaxWindows = 1 << 20;

    /// <summary>
    /// How many threads compute, from 1 to <see cref="MaxThreads"/>; all calls of the generator share them. Default: the processors of this
    /// machine. Each computes a batch of its own, which gives more texts a second than several working on one batch.
    /// </summary>
    public int Threads { get; set; } = Math.Min(Environment.ProcessorCount, MaxThreads);

    /// <summary>
    /// The longest window in tokens, start and end tokens included, from <see cref="MinTokens"/> to what the model takes. Default (null): 512
    /// for the built-in model, which takes no more; for a user's model <c>max_seq_length</c> of its sentence_bert_config.json, else
    /// <c>model_max_length</c> of its tokenizer_config.json, else <see cref="DefaultMaxTokens"/>.
    /// </summary>
    public int? MaxTokens { get; set; }

    /// <summary>
    /// How many windows of a long text are computed, from 1 to <see cref="MaxMaxWindows"/>. Default: <see cref="DefaultMaxWindows"/>, which for
    /// the built-in model is 8,192 tokens, some 36 KB of English. A text with more windows is represented by this many, evenly spread from
    /// its first to its last, so that the cost of a text is bounded.
    /// </summary>
    public int MaxWindows { get; set; } = DefaultMaxWindows;

    /// <summary>
    /// Whether a user's model with BERT's tokens expects lower-cased text without accents. Default (null): <c>do_lower_case</c> in the model's
    /// tokenizer_config.json, and true where that is absent. The built-in model does not use it.
    /// </summary>
    public bool? LowerCase { get; set; }

    /// <summary>
    /// Put before the text of a query, which a caller names by <c>input_type</c> = <c>query</c> in
    /// <see cref="Microsoft.Extensions.AI.EmbeddingGenerationOptions.AdditionalProperties"/>; "" for none. Default (null): the model's own
    /// (for a user's model the prompt <c>query</c> of its config_sentence_transformers.json).
    /// </summary>
    public string? QueryPrefix { get; set; }

    /// <summary>Put before all other texts; "" for none. Default (null): the model's own (built in: none; else its prompt <c>document</c>).</summary>
    public string? DocumentPrefix { get; set; }

    /// <summary>
    /// How a user's model makes one vector of those of the tokens. Default (null): as its 1_Pooling/config.json says, else
    /// <see cref="OnnxPooling.Mean"/>. Not used where the model gives one vector a text; the built-in model takes <see cref="OnnxPooling.Cls"/> only.
    /// </summary>
    public OnnxPooling? Pooling { get; set; }

    /// <summary>
    /// The number of values of a vector, from 1 to the model's: the first ones are kept and scaled to length 1. Good for models that were trained for it
    /// (Matryoshka); others lose much. Default (null): all.
    /// </summary>
    public int? Dimensions { get; set; }

    internal void Validate()
    {
        CheckRange(nameof(Threads), Threads, 1, MaxThreads);
        CheckRange(nameof(MaxWindows), MaxWindows, 1, MaxMaxWindows);
        if (Dimensions is { } dimensions)
            CheckRange(nameof(Dimensions), dimensions, 1, int.MaxValue);
        if (Pooling is { } pooling && !Enum.IsDefined(pooling))
            throw new ArgumentOutOfRangeException(nameof(Pooling), pooling, $"{nameof(Pooling)} must be one of {string.Join(", ", Enum.GetNames<OnnxPooling>())}.");
        if (MaxTokens is { } tokens)
            CheckRange(nameof(MaxTokens), tokens, MinTokens, int.MaxValue);
    }

    internal static void CheckRange(string name, int value, int lowest, int highest)
    {
        if (value < lowest || value > highest)
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be from {lowest} to {highest}.");
    }
}
