using System.Text;
using Moorcheh.Index.Postings;
using Moorcheh.Search.Words;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Index;

/// <summary>Defends what a word is: the same for what is indexed, for a keyword and for a query.</summary>
[TestFixture]
public sealed class WordSplitterTests
{
    [TestCase("", "")]
    [TestCase(" .. ", "")]
    [TestCase("Foo bar-foo, c_3!", "Foo|bar|foo|c_3")]
    [TestCase("don't", "don|t")]
    [TestCase("日", "日")]
    [TestCase("日本", "日本")]
    [TestCase("日本語を食べる。", "日本|本語|語を|を食|食べ|べる")]
    [TestCase("abc日本語def", "abc|日本|本語|def")]
    [TestCase("a日b", "a|日|b")]
    [TestCase("日 本", "日|本")]
    [TestCase("한국어 텍스트", "한국|국어|텍스|스트")]
    [TestCase("กินข้าว", "กิ|ิน|นข|ข้|้า|าว")]
    [TestCase("コーヒー・ミルク", "コー|ーヒ|ヒー|ミル|ルク")]
    [TestCase("人々", "人々")]
    [TestCase("𠀀𠀁", "𠀀𠀁")]
    [TestCase("２０２４年", "２０２４|年")]
    public void MoveNext_Text_GivesItsWords(string text, string words) => Assert.That(string.Join('|', Split(text)), Is.EqualTo(words));

    [Test]
    public void MoveNext_MalformedBytes_SeparateWords()
    {
        byte[] text = [.. "日本"u8, 0xFF, .. "語"u8, 0xE6, 0x97, .. "a"u8, 0xC3];
        var splitter = new WordSplitter(text);
        List<string> words = [];
        while (splitter.MoveNext())
        {
            words.Add(Encoding.UTF8.GetString(text[splitter.Start..splitter.End]));
        }

        Assert.That(words, Is.EqualTo((string[])["日本", "語", "a"]));
    }

    [Test]
    public void MoveNext_RandomTexts_AgreesWithTheOracle()
    {
        string[] parts = ["a", "Ä", "_", "7", "日", "本", "カ", "ー", "한", "ก", "้", " ", " ", "-", "。", "😀", "\n", "ſ", "́"];
        var random = new Random(3);
        for (int i = 0; i < 3000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => parts[random.Next(parts.Length)]));
            Assert.That(Split(text), Is.EqualTo(WordOracle.Split(text)), text);
        }
    }

    [Test]
    public void Parse_Query_CountsWordsIgnoringCase()
    {
        QueryWords words = QueryWords.Parse("The cat, the CAT & the Straße; ſtop STOP");
        Assert.That(
            Enumerable.Range(0, words.Count).Select(i => (words[i].Text, words[i].Times)),
            Is.EqualTo(((string, int)[])[("the", 3), ("cat", 2), ("straße", 1), ("ſtop", 1), ("stop", 1)]));
    }

    [Test]
    public void CountIn_Text_CountsEachWord()
    {
        QueryWords words = QueryWords.Parse("the cat 日本 x");
        int[] times = new int[words.Count];
        int length = words.CountIn(Encoding.UTF8.GetBytes("THE cat sat on the cat's 日本日本 mat"), times);
        Assert.That(times, Is.EqualTo((int[])[2, 2, 2, 0]));
        Assert.That(length, Is.EqualTo(11));
    }

    private static List<string> Split(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        var splitter = new WordSplitter(utf8);
        List<string> words = [];
        while (splitter.MoveNext())
        {
            words.Add(Encoding.UTF8.GetString(utf8[splitter.Start..splitter.End]));
        }

        return words;
    }
}
