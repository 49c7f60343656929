using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Moorcheh.Index.Postings;

/// <summary>
/// The terms under which an item can be found by a filter, as 64-bit hashes: for each top-level key of the metadata its exact value and
/// its texts ignoring case, the words of the text, and how often they stand in it. An item that passes a filter has all terms of the filter.
/// </summary>
internal static class ItemTerms
{
    private const ulong KeySeed = 0x9216D5D98979FB1B;
    private const ulong ExactSeed = 0xD1310BA698DFB5AC;
    private const ulong TextSeed = 0x2FFD72DBD01ADFB7;
    private const ulong CountSeed = 0x636920D871574E69;

    /// <summary>Bits of a count of one word in one text.</summary>
    public const int CountBits = 31;

    // Metadata seldom has more keys.
    private const int KeysOnStack = 64;

    /// <summary>The term of a top-level key with exactly this value.</summary>
    /// <param name="key">UTF-8.</param>
    /// <param name="json">UTF-8.</param>
    public static ulong Exact(ReadOnlySpan<byte> key, ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, JsonReading);
        reader.Read();
        return Exact(TermHash.Bytes(KeySeed, key), ref reader);
    }

    /// <summary>The term of a top-level key with this text, ignoring case.</summary>
    /// <param name="key">UTF-8.</param>
    /// <param name="value">UTF-8.</param>
    public static ulong Text(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Text(TermHash.Bytes(KeySeed, key), value);

    /// <summary>Adds the words of a text, as <see cref="WordSplitter"/> cuts them. Words may repeat.</summary>
    /// <param name="text">UTF-8; malformed bytes separate words.</param>
    /// <param name="into">Takes the terms.</param>
    public static void CollectWords(ReadOnlySpan<byte> text, List<ulong> into)
    {
        var words = new WordSplitter(text);
        while (words.MoveNext())
        {
            into.Add(words.Term);
        }
    }

    /// <summary>
    /// The term of the slots whose text has a word 1 + n times, with this bit set in n. Most words stand in a text once, and have no such term.
    /// </summary>
    /// <param name="word">The term of the word.</param>
    /// <param name="bit">0 to <see cref="CountBits"/> - 1.</param>
    public static ulong CountBit(ulong word, int bit) => TermHash.Finish(TermHash.Step(TermHash.Step(CountSeed, word), (ulong)bit));

    /// <summary>Adds the terms of an item's metadata. Terms may repeat.</summary>
    /// <param name="metadata">A JSON object in UTF-8; empty for none. Of keys written twice the last one counts.</param>
    /// <param name="into">Takes the terms.</param>
    public static void CollectMetadata(ReadOnlySpan<byte> metadata, List<ulong> into)
    {
        // Two bytes are an empty object.
        if (metadata.Length > 2)
        {
            CollectKeys(metadata, into);
        }
    }

    private static JsonReaderOptions JsonReading => new() { MaxDepth = 1000 };

    private static void CollectKeys(ReadOnlySpan<byte> metadata, List<ulong> into)
    {
        Span<ulong> keys = stackalloc ulong[KeysOnStack];
        Span<int> starts = stackalloc int[KeysOnStack];
        int count = 0;
        var reader = new Utf8JsonReader(metadata, JsonReading);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            ulong key = JsonHash.Text(ref reader, KeySeed);
            int earlier = keys[..count].IndexOf(key);
            if (earlier >= 0)
            {
                // Leaves the place of the earlier value empty.
                int end = earlier + 1 < count ? starts[earlier + 1] : into.Count;
                int removed = end - starts[earlier];
                into.RemoveRange(starts[earlier], removed);
                for (int i = earlier + 1; i < count; i++)
                {
                    starts[i] -= removed;
                }

                keys[earlier] = 0;
            }

            if (count == keys.Length)
            {
                keys = Grown(keys);
                starts = Grown(starts);
            }

            keys[count] = key;
            starts[count++] = into.Count;
            reader.Read();
            Utf8JsonReader ahead = reader;
            into.Add(Exact(key, ref ahead));
            CollectTexts(key, ref reader, into);
        }
    }

    private static Span<T> Grown<T>(Span<T> full)
    {
        Span<T> grown = new T[full.Length * 4];
        full.CopyTo(grown);
        return grown;
    }

    private static void CollectTexts(ulong key, ref Utf8JsonReader reader, List<ulong> into)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                reader.Skip();
                break;
            case JsonTokenType.StartArray:
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    CollectTexts(key, ref reader, into);
                }

                break;
            case JsonTokenType.String when reader.ValueIsEscaped:
                byte[] unescaped = ArrayPool<byte>.Shared.Rent(reader.ValueSpan.Length);
                into.Add(Text(key, unescaped.AsSpan(0, reader.CopyString(unescaped))));
                ArrayPool<byte>.Shared.Return(unescaped);
                break;
            default:
                into.Add(Text(key, reader.ValueSpan));
                break;
        }
    }

    private static ulong Exact(ulong key, ref Utf8JsonReader reader) =>
        TermHash.Finish(TermHash.Step(TermHash.Step(ExactSeed, key), JsonHash.Value(ref reader)));

    private static ulong Text(ulong key, ReadOnlySpan<byte> value)
    {
        ulong hash = TermHash.Step(TextSeed, key);
        while (!value.IsEmpty)
        {
            WordSplitter.Decode(value, out Rune rune, out int length);
            value = value[length..];
            hash = TermHash.Step(hash, (ulong)CaseFolding.Fold(rune));
        }

        return TermHash.Finish(hash);
    }
}
