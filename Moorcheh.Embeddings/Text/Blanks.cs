using System.Text;

namespace Moorcheh.Embeddings.Text;

/// <summary>Makes texts that differ in their blanks only the same text, for tokenizers that would tell them apart.</summary>
internal static class Blanks
{
    /// <summary>Each run of white space and control characters becomes one U+0020, none at the ends; lone surrogates become U+FFFD.</summary>
    public static string Fold(string text)
    {
        var folded = new StringBuilder(text.Length);
        bool pending = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (Rune.IsWhiteSpace(rune) || Rune.IsControl(rune))
            {
                pending = folded.Length > 0;
                continue;
            }
            if (pending)
                folded.Append(' ');
            pending = false;
            folded.Append(rune.ToString());
        }
        return folded.ToString();
    }
}
