namespace Moorcheh.Embeddings.Text;

/// <summary>What a vocabulary calls the tokens that stand for no text.</summary>
internal sealed record SpecialTokens(string Unknown, string Start, string End, string Padding, string Mask)
{
    public static SpecialTokens Bert { get; } = new("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]");
}
