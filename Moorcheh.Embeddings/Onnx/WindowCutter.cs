using Moorcheh.Embeddings.Text;

namespace Moorcheh.Embeddings.Onnx;

/// <summary>Makes windows of texts of one role, each with the role's prompt.</summary>
internal sealed class WindowCutter
{
    private readonly ITokenizer _tokenizer;
    private readonly string _prefix;
    private readonly int[] _prompt;
    private readonly int _maxTokens;
    private readonly int _maxWindows;

    /// <exception cref="ArgumentOutOfRangeException">The prompt leaves no room for a token of the text.</exception>
    public WindowCutter(ITokenizer tokenizer, string prefix, int maxTokens, int maxWindows)
    {
        _tokenizer = tokenizer;
        _prefix = prefix;
        _prompt = prefix.Length == 0 ? [] : tokenizer.Encode(prefix);
        _maxTokens = maxTokens;
        _maxWindows = maxWindows;
        int least = _prompt.Length + OnnxEmbeddingOptions.MinTokens;
        if (maxTokens < least)
        {
            throw new ArgumentOutOfRangeException(
                nameof(OnnxEmbeddingOptions.MaxTokens), maxTokens, $"MaxTokens must be at least {least}: the prompt '{prefix}' has {_prompt.Length} tokens.");
        }
    }

    public IEnumerable<TokenWindow> Cut(int index, string text)
    {
        if (_prefix.Length > 0)
        {
            // Some tokenizers see the text's first word differently alone, so what fits is encoded as one text, as the model was trained.
            TokenWindow[] whole = [.. WindowPlanner.Cut(index, _tokenizer.Encode(_prefix + text), [], _tokenizer, _maxTokens, maxWindows: 2)];
            if (whole.Length == 1)
                return whole;
        }
        return WindowPlanner.Cut(index, _tokenizer.Encode(text), _prompt, _tokenizer, _maxTokens, _maxWindows);
    }
}
