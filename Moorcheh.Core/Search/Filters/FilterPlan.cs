using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Moorcheh.Filters;
using Moorcheh.Index.Postings;

namespace Moorcheh.Search.Filters;

/// <summary>
/// What postings can say about an <see cref="ItemFilter"/>. Items that pass have all <see cref="Terms"/>; the record has the last word,
/// because different terms may have the same hash. Immutable.
/// </summary>
internal sealed class FilterPlan
{
    private FilterPlan(ulong[] terms, bool needsVerification, FilterNode? filter)
    {
        Filter = filter;
        Terms = terms;
        NeedsVerification = needsVerification;
    }

    /// <summary>Terms an item must have; none when postings cannot help.</summary>
    public IReadOnlyList<ulong> Terms { get; }

    /// <summary>
    /// True when items with all the terms may well fail the filter. When false, such items pass unless hashes collide, which
    /// happens about once in 10^19 comparisons.
    /// </summary>
    public bool NeedsVerification { get; }

    /// <summary>What the metadata must pass besides; null for nothing.</summary>
    public FilterNode? Filter { get; }

    /// <param name="exact">Keys that must have exactly these values.</param>
    /// <param name="fields">Keys that must have these texts, ignoring case.</param>
    /// <param name="keywords">Strings that must stand in the text as words, ignoring case.</param>
    /// <param name="filter">What the metadata must pass; null for nothing.</param>
    public static FilterPlan Create(
        IReadOnlyList<(string Key, JsonElement Value)> exact,
        IReadOnlyList<(string Key, string Value)> fields,
        IReadOnlyList<string> keywords,
        FilterNode? filter = null)
    {
        List<ulong> terms = [];
        bool needsVerification = false;
        foreach ((string key, JsonElement value) in exact)
        {
            terms.Add(ItemTerms.Exact(Encoding.UTF8.GetBytes(key), JsonMarshal.GetRawUtf8Value(value)));

            // Of objects with a key twice the term does not say which of the values comes first.
            needsVerification |= ContainsObject(value);
        }

        foreach ((string key, string value) in fields)
        {
            // A lone surrogate matches nothing, but its term is that of U+FFFD.
            needsVerification |= !IsWellFormed(value);
            terms.Add(ItemTerms.Text(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value)));
        }

        foreach (string keyword in keywords)
        {
            needsVerification |= AddWords(keyword, terms);
        }

        return new FilterPlan([.. terms.Distinct()], needsVerification, filter);
    }

    /// <summary>Clears the bits of slots that lack a term, and those of slots the postings do not cover.</summary>
    /// <param name="postings">Of the segment.</param>
    /// <param name="mask">A bit a slot.</param>
    /// <returns>False when no bit is left; true when there are no terms.</returns>
    public bool AndInto(IPostings postings, Span<ulong> mask)
    {
        foreach (ulong term in Terms)
        {
            if (!postings.AndInto(term, mask))
            {
                return false;
            }
        }

        return true;
    }

    private static bool ContainsObject(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => true,
        JsonValueKind.Array => value.EnumerateArray().Any(ContainsObject),
        _ => false,
    };

    /// <summary>Adds the words within a keyword. They are whole words of every text the keyword is found in.</summary>
    /// <returns>True when having the words is not enough.</returns>
    private static bool AddWords(string keyword, List<ulong> terms)
    {
        if (!IsWellFormed(keyword))
        {
            // A lone surrogate can match half a character, of which the other half may make a longer word.
            return true;
        }

        int before = terms.Count;
        byte[] utf8 = Encoding.UTF8.GetBytes(keyword);
        bool isOpen = false;
        var words = new WordSplitter(utf8);
        while (words.MoveNext())
        {
            // One character of a script that is indexed in pairs may stand in longer runs, of whose pairs it does not know the other half.
            bool isPart = (words.Start == 0 || words.End == utf8.Length) && IsOneOfPairs(utf8.AsSpan(words.Start..words.End));
            isOpen |= isPart;
            if (!isPart)
            {
                terms.Add(words.Term);
            }
        }

        return isOpen || terms.Count != before + 1 || keyword.EnumerateRunes().Any(rune => !CaseFolding.IsWord(rune));
    }

    private static bool IsOneOfPairs(ReadOnlySpan<byte> word) =>
        WordSplitter.Decode(word, out Rune rune, out int length) && length == word.Length && PairedScripts.Contains(rune);

    private static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out _, out int length) != OperationStatus.Done)
            {
                return false;
            }

            text = text[length..];
        }

        return true;
    }
}
