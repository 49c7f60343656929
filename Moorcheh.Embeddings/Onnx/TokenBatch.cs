namespace Moorcheh.Embeddings.Onnx;

/// <summary>Windows of tokens as one rectangle: shorter rows are filled up with padding that the mask hides.</summary>
internal sealed class TokenBatch
{
    public TokenBatch(IReadOnlyList<TokenWindow> windows, int paddingId)
    {
        Rows = windows.Count;
        Columns = Math.Max(1, windows.Max(window => window.Tokens.Length));   // an empty row is one masked token
        Ids = new long[Rows * Columns];
        Mask = new long[Rows * Columns];
        Array.Fill(Ids, paddingId);
        for (int row = 0; row < Rows; row++)
        {
            ReadOnlySpan<int> tokens = windows[row].Tokens.Span;
            for (int i = 0; i < tokens.Length; i++)
            {
                Ids[(row * Columns) + i] = tokens[i];
                Mask[(row * Columns) + i] = 1;
            }
        }
    }

    public int Rows { get; }

    public int Columns { get; }

    public long[] Ids { get; }

    public long[] Mask { get; }
}
