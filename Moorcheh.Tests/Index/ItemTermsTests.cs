using System.Globalization;
using System.Text;
using System.Text.Json;
using Moorcheh.Index.Postings;

namespace Moorcheh.Tests.Index;

/// <summary>Defends what a term stands for, and that its hash is the same in every run: files hold it.</summary>
[TestFixture]
public sealed class ItemTermsTests
{
    [Test]
    public void Fold_AllCharacters_AgreesWithOrdinalIgnoreCase()
    {
        // Fold gives one character for a class of equal ones, so both directions must be functions.
        var folds = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        var classes = new Dictionary<int, string>();
        List<string> wrong = [];
        for (int value = 0; value <= 0x10FFFF; value++)
        {
            if (!Rune.TryCreate(value, out Rune rune))
            {
                continue;
            }

            int fold = CaseFolding.Fold(rune);
            string text = rune.ToString();
            folds.TryAdd(text, fold);
            classes.TryAdd(fold, text);
            if (folds[text] != fold || !classes[fold].Equals(text, StringComparison.OrdinalIgnoreCase))
            {
                wrong.Add($"U+{value:X4}");
            }
        }

        Assert.That(wrong, Is.Empty);
    }

    [Test]
    public void IsWord_AllCharacters_IsLettersDigitsUnderscoreAndAFewMarks()
    {
        IEnumerable<int> others = Enumerable.Range(0, 0x110000)
            .Where(value => Rune.TryCreate(value, out Rune rune)
                && Rune.GetUnicodeCategory(rune) != UnicodeCategory.OtherNotAssigned
                && CaseFolding.IsWord(rune) != (Rune.IsLetterOrDigit(rune) || value == '_'));

        // Iota below, the marks of Thai and Kana, and the numerals of Han.
        Assert.That(others, Is.EqualTo((int[])
        [
            0x345, 0xE31, .. Enumerable.Range(0xE34, 7), .. Enumerable.Range(0xE47, 8), 0x3007, .. Enumerable.Range(0x3021, 9),
            .. Enumerable.Range(0x3038, 3), 0x3099, 0x309A,
        ]));
    }

    [TestCase("1", "1.0", "1e0", "10e-1", "0.01E2", "100e-2")]
    [TestCase("0", "-0", "0.0", "-0e5", "0E-99")]
    [TestCase("-120", "-1.2e2", "-120.000", "-12E+1")]
    [TestCase("123456789012345678901234567890", "1.23456789012345678901234567890e29", "1234567890123456789012345678900e-1")]
    [TestCase("\"a\\u0062\\n\"", "\"\\u0061b\\u000a\"")]
    [TestCase("{\"x\":1,\"y\":[2,{}]}", "{ \"y\" : [2.0, {}], \"\\u0078\": 1 }")]
    [TestCase("\"\\ud83d\\ude00\"", "\"😀\"")]
    public void Exact_OtherSpelling_SameTerm(params string[] spellings)
    {
        Assert.That(spellings.Select(json => DeepEquals(spellings[0], json)), Has.All.True);
        Assert.That(spellings.Select(json => Exact("k", json)).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public void Exact_DifferentValues_DifferentTerms()
    {
        string[] values =
        [
            "0", "1", "-1", "10", "100", "0.1", "11", "101", "1001", "\"\"", "\"1\"", "\"a\"", "\"A\"", "null", "true", "false", "\"null\"",
            "[]", "[[]]", "{}", "[{}]", "[1,2]", "[2,1]", "[[1],2]", "[[1,2]]", "{\"a\":1}", "{\"a\":\"1\"}", "{\"a\":1,\"b\":2}",
            "{\"a\":2,\"b\":1}", "{\"a\":{\"b\":1}}", "{\"a\":1,\"a\":1}", "\"aaaaaaaa\"", "\"aaaaaaaa\\u0000\"", "\"aaaaaaaaa\"",
        ];
        Assert.That(values.SelectMany(json => new[] { Exact("k", json), Exact("K", json) }), Is.Unique);
    }

    [Test]
    public void Collect_SeveralKinds_GivesEachTerm()
    {
        List<ulong> terms = Collect("""{"a":["X",["y",{"z":1}],2.50],"b":"s","b":true,"o":{"p":"q"}}""", "Foo bar-foo, c_3!");
        Assert.That(terms.Distinct(), Is.EquivalentTo(new[]
        {
            Exact("a", """["X",["y",{"z":1}],2.5]"""), Text("a", "x"), Text("a", "Y"), Text("a", "2.50"),
            Exact("b", "true"), Text("b", "TRUE"), Exact("o", """{"p":"q"}"""), Word("foo"), Word("BAR"), Word("C_3"),
        }));
    }

    [TestCase(3)]
    [TestCase(64)]
    [TestCase(65)]
    [TestCase(500)]
    public void Collect_KeysWrittenTwice_LastWins(int keys)
    {
        IEnumerable<string> first = Enumerable.Range(0, keys).Select(i => $"\"k{i}\":[{i},{i},\"old\"]");
        IEnumerable<string> second = Enumerable.Range(0, keys).Where(i => i % 3 == 0).Select(i => $"\"k{i}\":\"new\"");
        IEnumerable<string> third = Enumerable.Range(0, keys).Where(i => i % 6 == 0).Select(i => $"\"k{i}\":\"newest\"");
        List<ulong> terms = Collect("{" + string.Join(',', first.Concat(second).Concat(third)) + "}", "");
        Assert.That(terms.Distinct(), Is.EquivalentTo(Enumerable.Range(0, keys).SelectMany(i => i % 3 == 0
            ? new[] { Exact($"k{i}", i % 6 == 0 ? "\"newest\"" : "\"new\""), Text($"k{i}", i % 6 == 0 ? "newest" : "new") }
            : [Exact($"k{i}", $"[{i},{i},\"old\"]"), Text($"k{i}", "old"), Text($"k{i}", $"{i}")])));
    }

    [Test]
    public void Collect_MalformedText_SeparatesWords()
    {
        List<ulong> terms = [];
        ItemTerms.CollectWords([(byte)'a', 0xFF, (byte)'b', 0xC3, (byte)'c', 0xE2, 0x82], terms);
        Assert.That(terms, Is.EqualTo(new[] { Word("a"), Word("b"), Word("c") }));
    }

    [TestCase("", "")]
    [TestCase("{}", "")]
    [TestCase("{}", " -- 😀")]
    public void Collect_NothingToFind_GivesNoTerms(string metadata, string text) => Assert.That(Collect(metadata, text), Is.Empty);

    [Test]
    public void Terms_KnownInputs_AreThoseOfTheFileFormat() => Assert.That(
        new[] { Exact("key", "[1.5,{\"a\":null}]"), Text("key", "Straße"), Word("naïve_2") },
        Is.EqualTo(new[] { 5054296040783014482UL, 8837895672708633170UL, 8804274122913476199UL }));

    private static List<ulong> Collect(string metadata, string text)
    {
        List<ulong> terms = [];
        ItemTerms.CollectMetadata(Encoding.UTF8.GetBytes(metadata), terms);
        ItemTerms.CollectWords(Encoding.UTF8.GetBytes(text), terms);
        return terms;
    }

    private static ulong Exact(string key, string json) => ItemTerms.Exact(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(json));

    private static ulong Text(string key, string value) => ItemTerms.Text(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value));

    private static ulong Word(string word)
    {
        List<ulong> terms = [];
        ItemTerms.CollectWords(Encoding.UTF8.GetBytes(word), terms);
        return terms.Single();
    }

    private static bool DeepEquals(string x, string y)
    {
        using var left = JsonDocument.Parse(x);
        using var right = JsonDocument.Parse(y);
        return JsonElement.DeepEquals(left.RootElement, right.RootElement);
    }
}
