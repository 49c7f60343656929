using System.Buffers;

namespace Moorcheh.Search.Filters;

/// <summary>A text query taken apart: the text to embed and the filters at its end.</summary>
/// <param name="Text">What is left before the filters, trimmed at its end; empty when there is nothing but filters.</param>
/// <param name="Fields"><c>#key:value</c> filters in the order written.</param>
/// <param name="Keywords"><c>#keyword</c> filters in the order written.</param>
internal sealed record QueryText(string Text, IReadOnlyList<(string Key, string Value)> Fields, IReadOnlyList<string> Keywords)
{
    private static readonly SearchValues<char> KeyCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");

    /// <summary>Reads filters from the end, word by word, until a word that is none.</summary>
    public static QueryText Parse(string query)
    {
        List<(string, string)> fields = [];
        List<string> keywords = [];
        ReadOnlySpan<char> rest = query.AsSpan().TrimEnd();
        while (!rest.IsEmpty)
        {
            int start = rest.Length;
            while (start > 0 && !char.IsWhiteSpace(rest[start - 1]))
            {
                start--;
            }

            ReadOnlySpan<char> word = rest[start..];
            if (word.Length < 2 || word[0] != '#')
            {
                break;
            }

            int colon = word.IndexOf(':');
            if (colon < 0)
            {
                keywords.Add(word[1..].ToString());
            }
            else if (colon > 1 && colon < word.Length - 1 && !word[1..colon].ContainsAnyExcept(KeyCharacters))
            {
                fields.Add((word[1..colon].ToString(), word[(colon + 1)..].ToString()));
            }
            else
            {
                break;
            }

            rest = rest[..start].TrimEnd();
        }

        fields.Reverse();
        keywords.Reverse();
        return new QueryText(rest.ToString(), fields, keywords);
    }
}
