using Moorcheh.Embeddings.Text;

namespace Moorcheh.Embeddings.Onnx;

/// <summary>Cuts texts into windows, and puts windows of similar length into one batch.</summary>
internal static class WindowPlanner
{
    // Measured on two cores: from 200 tokens a batch on, the rate no longer rises, and past 512 the activations leave the cache.
    private const int MaxBatchTokens = 512;
    private const int MinBatchTokens = 64;

    // A batch costs as much as about ten tokens for reading the weights, so this much padding is cheaper than another batch.
    private const int FreePadding = 12;
    private const int PaddingShare = 8;

    /// <summary>
    /// The windows of one text: consecutive runs of tokens, the last one shorter. Where there are more than <paramref name="maxWindows"/>,
    /// that many of them, evenly spread. An empty text has one window. Each begins with the prompt.
    /// </summary>
    public static IEnumerable<TokenWindow> Cut(int text, int[] tokens, int[] prompt, ITokenizer tokenizer, int maxTokens, int maxWindows)
    {
        int added = prompt.Length + (tokenizer.StartId is null ? 0 : 1) + (tokenizer.EndId is null ? 0 : 1);
        int size = maxTokens - added;
        int available = Math.Max(1, (tokens.Length + size - 1) / size);
        int count = Math.Min(available, maxWindows);
        for (int i = 0; i < count; i++)
        {
            int index = count == 1 ? 0 : (int)((long)i * (available - 1) / (count - 1));
            int start = index * size;
            ReadOnlyMemory<int> part = tokens.AsMemory(start, Math.Min(size, tokens.Length - start));
            yield return new TokenWindow(text, added == 0 ? part : Enclose(prompt, part.Span, tokenizer));
        }
    }

    /// <summary>Batches of indexes into the windows, longest first, for the given number of threads.</summary>
    public static List<int[]> Batch(IReadOnlyList<TokenWindow> windows, int threads)
    {
        long total = windows.Sum(window => (long)window.Tokens.Length);
        long budget = Math.Clamp((total + threads - 1) / threads, MinBatchTokens, MaxBatchTokens);
        int[] order = [.. Enumerable.Range(0, windows.Count).OrderByDescending(index => windows[index].Tokens.Length)];

        var batches = new List<int[]>();
        int start = 0;
        int padding = 0;
        for (int i = 1; i <= order.Length; i++)
        {
            int columns = windows[order[start]].Tokens.Length;
            int cells = (i - start + 1) * columns;
            if (i < order.Length)
                padding += columns - windows[order[i]].Tokens.Length;
            if (i < order.Length && cells <= budget && padding <= Math.Max(FreePadding, cells / PaddingShare))
                continue;
            batches.Add(order[start..i]);
            start = i;
            padding = 0;
        }
        return batches;
    }

    private static int[] Enclose(int[] prompt, ReadOnlySpan<int> tokens, ITokenizer tokenizer)
    {
        var enclosed = new List<int>(prompt.Length + tokens.Length + 2);
        if (tokenizer.StartId is { } start)
            enclosed.Add(start);
        enclosed.AddRange(prompt);
        enclosed.AddRange(tokens);
        if (tokenizer.EndId is { } end)
            enclosed.Add(end);
        return [.. enclosed];
    }
}
