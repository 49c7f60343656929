using System.Text;
using Moorcheh.Artifacts;

namespace Moorcheh.Tests.Artifacts;

/// <summary>Chunks joined are the text, none has too many tokens, and cuts are at the best places.</summary>
internal sealed class TextChunkerTests
{
    /// <summary>Words and punctuation marks: a tokenizer whose answers can be counted by eye.</summary>
    private static int CountWords(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;

    private static string[] Split(string text, int tokens, Func<string, int>? count = null) =>
        [.. new TextChunker(count ?? CountWords, tokens).Split(text, CancellationToken.None).Select(chunk => text[chunk])];

    [Test]
    public void Split_ShortText_IsOneChunk() => Assert.That(Split(" a b\n\nc. ", 10), Is.EqualTo((string[])[" a b\n\nc. "]));

    [Test]
    public void Split_Paragraphs_CutsBetweenThem() =>
        Assert.That(Split("one two. three\n\nfour five. six seven\n\neight nine", 8), Is.EqualTo((string[])["one two. three\n\nfour five. six seven\n\n", "eight nine"]));

    [Test]
    public void Split_NoParagraphFits_CutsAfterASentence() =>
        Assert.That(Split("One two three. Four five six! \"Seven eight?\" Nine ten", 9), Is.EqualTo((string[])["One two three. Four five six! \"Seven eight?\" ", "Nine ten"]));

    [Test]
    public void Split_Lines_CutsAfterALine() =>
        Assert.That(Split("a,b c,d e\nf,g h,i j\nk,l m,n o", 5), Is.EqualTo((string[])["a,b c,d e\n", "f,g h,i j\n", "k,l m,n o"]));

    [Test]
    public void Split_OneLongSentence_CutsAfterABlank()
    {
        string text = string.Join(' ', Enumerable.Range(0, 1000));
        string[] chunks = Split(text, 100);
        Assert.That(string.Concat(chunks), Is.EqualTo(text));
        Assert.That(chunks, Has.All.Matches<string>(chunk => CountWords(chunk!) <= 100));
        Assert.That(chunks[..^1], Has.All.EndsWith(" "));
    }

    /// <summary>No blanks, and a tokenizer that counts a word of any length as one: the chunks stay small all the same.</summary>
    [Test]
    public void Split_OneWordOfAMillionCharacters_IsCutAnywhere()
    {
        string text = new('x', 1_000_000);
        string[] chunks = Split(text, 384);
        Assert.That(string.Concat(chunks), Is.EqualTo(text));
        Assert.That(chunks.Max(chunk => chunk.Length), Is.LessThanOrEqualTo(384 * 32));
    }

    [Test]
    public void Split_SurrogatePairs_StayTogether()
    {
        string text = "a" + string.Concat(Enumerable.Repeat("😀", 5000));
        string[] chunks = Split(text, 32, part => part.EnumerateRunes().Count());
        Assert.That(string.Concat(chunks), Is.EqualTo(text));
        Assert.That(chunks.SelectMany(chunk => chunk.EnumerateRunes()), Has.None.EqualTo(Rune.ReplacementChar));
        Assert.That(chunks.Max(chunk => chunk.EnumerateRunes().Count()), Is.LessThanOrEqualTo(32));
    }

    /// <summary>A tokenizer that gives more tokens for a whole than for its parts must not make chunks too long.</summary>
    [Test]
    public void Split_TokensThatDoNotAddUp_CountsTheChunk()
    {
        static int Count(string text) => CountWords(text) + (CountWords(text) / 10);
        string text = string.Join(". ", Enumerable.Range(0, 500));
        string[] chunks = Split(text, 33, Count);
        Assert.That(string.Concat(chunks), Is.EqualTo(text));
        Assert.That(chunks.Max(Count), Is.LessThanOrEqualTo(33));
    }

    [Test]
    public void Split_RandomText_IsExactAndBounded([Range(1, 20)] int seed)
    {
        var random = new Random(seed);
        string[] parts = ["word ", "Word. ", "long-word", "\n", "\n\n", "\r\n", "\r", " ", "\t", "。", "语言", "😀", "é", ".", "\"", "\u00a0", "x"];
        var builder = new StringBuilder();
        for (int i = random.Next(3000); i > 0; i--)
        {
            builder.Append(parts[random.Next(parts.Length)]);
        }

        string text = builder.ToString();
        int tokens = random.Next(4, 60);
        Func<string, int> count = random.Next(2) == 0 ? CountWords : part => (Encoding.UTF8.GetByteCount(part) + 3) / 4;
        string[] chunks = Split(text, tokens, count);
        Assert.That(string.Concat(chunks), Is.EqualTo(text));
        Assert.That(chunks.Select(count), Has.All.LessThanOrEqualTo(tokens));
        Assert.That(chunks, Has.None.Empty);
    }
}
