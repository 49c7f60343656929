using System.Buffers;
using System.Text;
using System.Text.Json;
using Moorcheh.Filters;
using Moorcheh.Index.Postings;
using Moorcheh.Items;

namespace Moorcheh.Search.Filters;

/// <summary>The conditions of a search on metadata and text; all must hold. Immutable.</summary>
internal sealed class ItemFilter
{
    private readonly IReadOnlyList<(string Key, JsonElement Value)> _exact;
    private readonly IReadOnlyList<(string Key, string Value)> _fields;
    private readonly IReadOnlyList<string> _keywords;
    private readonly FilterNode? _filter;

    private ItemFilter(FilterConditions conditions)
    {
        _exact = [.. conditions.Metadata.ToElement().EnumerateObject().Select(property => (property.Name, property.Value))];
        _fields = conditions.Fields.Items;
        _keywords = conditions.Keywords.Items;
        _filter = conditions.Filter?.Node;
        Plan = FilterPlan.Create(_exact, _fields, _keywords, _filter);
    }

    /// <summary>Finds the items that may match without reading them.</summary>
    public FilterPlan Plan { get; }

    /// <summary>A filter, or null when everything passes.</summary>
    public static ItemFilter? Create(FilterConditions conditions) =>
        conditions == FilterConditions.None ? null : new ItemFilter(conditions);

    public bool Matches(in ItemRecord item)
    {
        if (_exact.Count > 0 || _fields.Count > 0 || _filter is not null)
        {
            var reader = new Utf8JsonReader(item.Metadata, new JsonReaderOptions { MaxDepth = 1000 });
            JsonElement metadata = JsonElement.ParseValue(ref reader);
            foreach ((string key, JsonElement value) in _exact)
            {
                if (!metadata.TryGetProperty(key, out JsonElement found) || !EqualsJson(found, value))
                {
                    return false;
                }
            }

            foreach ((string key, string value) in _fields)
            {
                if (!metadata.TryGetProperty(key, out JsonElement found) || !EqualsText(found, value))
                {
                    return false;
                }
            }

            if (_filter?.Matches(metadata) == false)
            {
                return false;
            }
        }

        if (_keywords.Count > 0)
        {
            string text = Encoding.UTF8.GetString(item.Text);
            foreach (string keyword in _keywords)
            {
                if (!ContainsWord(text, keyword))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>JSON equality, numbers by value. Numbers whose exponents the framework cannot compare are equal when written alike.</summary>
    internal static bool EqualsJson(JsonElement x, JsonElement y)
    {
        try
        {
            return JsonElement.DeepEquals(x, y);
        }
        catch (ArgumentOutOfRangeException)
        {
            return x.GetRawText() == y.GetRawText();
        }
    }

    /// <summary>Strings ignoring case; numbers, booleans and null by their JSON text; an array when any element matches; an object never.</summary>
    internal static bool EqualsText(JsonElement found, string value) => found.ValueKind switch
    {
        JsonValueKind.String => string.Equals(found.GetString(), value, StringComparison.OrdinalIgnoreCase),
        JsonValueKind.Array => found.EnumerateArray().Any(element => EqualsText(element, value)),
        JsonValueKind.Object => false,
        _ => string.Equals(found.GetRawText(), value, StringComparison.OrdinalIgnoreCase),
    };

    /// <summary>
    /// True when the keyword stands in the text, ignoring case, without a letter, digit or underscore on either side. A character of
    /// <see cref="PairedScripts"/>, which do not part words by blanks, has an end on both of its sides.
    /// </summary>
    internal static bool ContainsWord(string text, string word)
    {
        WordKind first = KindAt(word, 0);
        WordKind last = KindBefore(word, word.Length);
        for (int at = 0; (at = text.IndexOf(word, at, StringComparison.OrdinalIgnoreCase)) >= 0; at++)
        {
            if (IsEnd(last, KindAt(text, at + word.Length)) && IsEnd(first, KindBefore(text, at)))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsEnd(WordKind own, WordKind beside) => own == WordKind.Paired || beside != WordKind.Letters;

    private static WordKind KindAt(string text, int index) =>
        Rune.DecodeFromUtf16(text.AsSpan(index), out Rune rune, out _) == OperationStatus.Done ? WordSplitter.KindOf(rune) : WordKind.None;

    private static WordKind KindBefore(string text, int index) =>
        Rune.DecodeLastFromUtf16(text.AsSpan(0, index), out Rune rune, out _) == OperationStatus.Done ? WordSplitter.KindOf(rune) : WordKind.None;
}
