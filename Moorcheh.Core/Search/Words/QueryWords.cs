using System.Text;
using Moorcheh.Index.Postings;

namespace Moorcheh.Search.Words;

/// <summary>The different words of a query in the order in which they first stand in it. Immutable.</summary>
internal sealed class QueryWords
{
    private readonly QueryWord[] _words;
    private readonly ulong[] _terms;
    private readonly Dictionary<ulong, int> _firstPlaces = [];

    private QueryWords(QueryWord[] words)
    {
        _words = words;
        _terms = [.. words.Select(word => word.Term)];
        for (int i = 0; i < _terms.Length; i++)
        {
            _firstPlaces.TryAdd(_terms[i], i);
        }
    }

    public int Count => _words.Length;

    public QueryWord this[int index] => _words[index];

    /// <summary>The words of the text of a query, without its filters.</summary>
    public static QueryWords Parse(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        List<QueryWord> words = [];
        Dictionary<string, int> places = new(StringComparer.Ordinal);
        var splitter = new WordSplitter(utf8);
        while (splitter.MoveNext())
        {
            ReadOnlySpan<byte> word = utf8.AsSpan(splitter.Start..splitter.End);
            int[] folded = Fold(word);
            string key = string.Concat(folded.Select(value => new Rune(value).ToString()));
            if (places.TryGetValue(key, out int place))
            {
                words[place] = words[place] with { Times = words[place].Times + 1 };
            }
            else
            {
                places.Add(key, words.Count);
                words.Add(new QueryWord(Encoding.UTF8.GetString(word).ToLowerInvariant(), folded, splitter.Term, 1));
            }
        }

        return new QueryWords([.. words]);
    }

    /// <summary>Counts the words in a text, by their characters: words that have the same term only are told apart.</summary>
    /// <param name="text">UTF-8.</param>
    /// <param name="times">How often each stands in it; as long as there are words.</param>
    /// <returns>All words of the text.</returns>
    public int CountIn(ReadOnlySpan<byte> text, Span<int> times)
    {
        times.Clear();
        int length = 0;
        var splitter = new WordSplitter(text);
        while (splitter.MoveNext())
        {
            length++;
            for (int place = _firstPlaces.GetValueOrDefault(splitter.Term, -1); place >= 0; place = NextPlace(place))
            {
                if (Equals(text[splitter.Start..splitter.End], _words[place].Folded))
                {
                    times[place]++;
                    break;
                }
            }
        }

        return length;
    }

    /// <summary>The next word with the same term, which hardly ever is; -1 for none.</summary>
    private int NextPlace(int place)
    {
        int next = _terms.AsSpan(place + 1).IndexOf(_terms[place]);
        return next < 0 ? -1 : place + 1 + next;
    }

    private static int[] Fold(ReadOnlySpan<byte> word)
    {
        List<int> folded = [];
        while (!word.IsEmpty)
        {
            WordSplitter.Decode(word, out Rune rune, out int length);
            folded.Add(CaseFolding.Fold(rune));
            word = word[length..];
        }

        return [.. folded];
    }

    private static bool Equals(ReadOnlySpan<byte> word, int[] folded)
    {
        int at = 0;
        while (!word.IsEmpty)
        {
            WordSplitter.Decode(word, out Rune rune, out int length);
            if (at == folded.Length || CaseFolding.Fold(rune) != folded[at++])
            {
                return false;
            }

            word = word[length..];
        }

        return at == folded.Length;
    }
}
