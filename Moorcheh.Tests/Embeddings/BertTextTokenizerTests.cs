using System.Text;
using Moorcheh.Embeddings.Text;

namespace Moorcheh.Tests.Embeddings;

/// <summary>
/// The examples are those of BERT's own tests (tokenization_test.py), with its vocabulary; ids are the positions in that list.
/// </summary>
internal sealed class BertTextTokenizerTests
{
    private static readonly string[] BertTestVocabulary =
        ["[UNK]", "[CLS]", "[SEP]", "want", "##want", "##ed", "wa", "un", "runn", "##ing", ",", "low", "lowest", "hello", "!", "how", "are", "you", "?"];

    [Test]
    public void Encode_TextOfBertsFullTokenizerTest_GivesThePublishedPieces()
    {
        Assert.That(Pieces("UNwant\u00E9d,running", lowerCase: true), Is.EqualTo(new[] { "un", "##want", "##ed", ",", "runn", "##ing" }));
    }

    [Test]
    public void Encode_TextOfBertsWordPieceTest_MakesUnknownWordsWhole()
    {
        Assert.That(Pieces("unwanted running", lowerCase: true), Is.EqualTo(new[] { "un", "##want", "##ed", "runn", "##ing" }));
        Assert.That(Pieces("unwantedX running", lowerCase: true), Is.EqualTo(new[] { "[UNK]", "runn", "##ing" }));
    }

    [Test]
    public void Encode_BlanksAndCase_AsInBertsBasicTokenizerTest()
    {
        Assert.That(Pieces(" \tHeLLo!how  \n Are yoU?  ", lowerCase: true), Is.EqualTo(new[] { "hello", "!", "how", "are", "you", "?" }));
        Assert.That(Pieces("H\u00E9llo", lowerCase: true), Is.EqualTo(new[] { "hello" }));
        Assert.That(Pieces("HeLLo!how", lowerCase: false), Is.EqualTo(new[] { "[UNK]", "!", "how" }));
    }

    [Test]
    public void Split_ChineseText_GivesEachIdeographAsAWord()
    {
        Assert.That(Words("ah\u535A\u63A8zz", lowerCase: true), Is.EqualTo(new[] { "ah", "\u535A", "\u63A8", "zz" }));
    }

    [Test]
    public void Split_Punctuation_GivesEachMarkAsAWord()
    {
        Assert.That(Words("a-b$c\u00A1d`\u2014e", lowerCase: true), Is.EqualTo(new[] { "a", "-", "b", "$", "c", "\u00A1", "d", "`", "\u2014", "e" }));
    }

    [Test]
    public void Split_ControlCharactersAndBadText_AreDropped()
    {
        Assert.That(Words("a\0b\u200dc\ufffdd\ud800e\u0007\u00a0f\u2028g", lowerCase: false), Is.EqualTo(new[] { "abcde", "f", "g" }));
    }

    [Test]
    public void Split_LowerCase_DropsAccentsOnlyThen()
    {
        Assert.That(Words("\u00C9T\u00C9 \u0130x", lowerCase: true), Is.EqualTo(new[] { "ete", "ix" }));
        Assert.That(Words("\u00C9T\u00C9", lowerCase: false), Is.EqualTo(new[] { "\u00C9T\u00C9" }));
    }

    // As transformers' documentation prints them for bert-base-uncased, without [CLS] and [SEP].
    [TestCase("Replace me by any text you'd like.", new[] { 5672, 2033, 2011, 2151, 3793, 2017, 1005, 1040, 2066, 1012 })]
    [TestCase("The quick brown fox jumps over the lazy dog.", new[] { 1996, 4248, 2829, 4419, 14523, 2058, 1996, 13971, 3899, 1012 })]
    [TestCase("Hello, my dog is cute", new[] { 7592, 1010, 2026, 3899, 2003, 10140 })]
    public void Encode_PublishedExample_GivesThePublishedIds(string text, int[] ids)
    {
        Assert.That(BuiltInTokenizer.Load().Encode(text), Is.EqualTo(ids));
    }

    [Test]
    public void Encode_Symbols_AreWordsAsInBert()
    {
        BertTextTokenizer tokenizer = BuiltInTokenizer.Load();

        Assert.That(tokenizer.Encode("C++ $5 x<y"), Has.Length.EqualTo(8));
        Assert.That(tokenizer.Encode("[CLS] [MASK]"), Has.No.Member(101).And.No.Member(103));
    }

    [TestCase(100, "low")]
    [TestCase(101, "[UNK]")]
    public void Encode_WordAtAndOverTheLimit_IsCutOrUnknown(int length, string first)
    {
        string[] vocabulary = ["[UNK]", "[CLS]", "[SEP]", "low", "##o"];
        string word = "low" + new string('o', length - 3);

        int[] ids = BertTextTokenizer.Create(vocabulary, lowerCase: true, SpecialTokens.Bert).Encode(word);

        Assert.That(vocabulary[ids[0]], Is.EqualTo(first));
    }

    [Test]
    public void Create_VocabularyWithoutSpecialPieces_Throws()
    {
        Assert.That(() => BertTextTokenizer.Create(["[UNK]", "[CLS]", "a"], lowerCase: true, SpecialTokens.Bert),
            Throws.TypeOf<InvalidDataException>().With.Message.Contains("[SEP]"));
    }

    [TestCase("a")]
    [TestCase("\u0301")]
    [TestCase("\u535A")]
    [CancelAfter(120_000)]
    public void Encode_OneMebibyte_TakesTimeInProportion(string unit, CancellationToken cancellationToken)
    {
        string text = string.Concat(Enumerable.Repeat(unit, 1 << 20));

        Assert.That(() => BertTextTokenizer.Create(BertTestVocabulary, lowerCase: true, SpecialTokens.Bert).Encode(text), Throws.Nothing);
        Assert.That(cancellationToken.IsCancellationRequested, Is.False);
    }

    private static string[] Pieces(string text, bool lowerCase) =>
        [.. BertTextTokenizer.Create(BertTestVocabulary, lowerCase, SpecialTokens.Bert).Encode(text).Select(id => BertTestVocabulary[id])];

    private static string[] Words(string text, bool lowerCase)
    {
        var splitter = new WordSplitter(text, lowerCase);
        var word = new StringBuilder();
        var words = new List<string>();
        while (splitter.TryRead(word, 100))
            words.Add(word.ToString());
        return [.. words];
    }
}
