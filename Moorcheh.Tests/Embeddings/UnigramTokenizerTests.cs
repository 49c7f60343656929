using Moorcheh.Embeddings;
using Moorcheh.Embeddings.Text;

namespace Moorcheh.Tests.Embeddings;

/// <summary>The invariant: our token ids are those of the original implementation, for every text it published and for any text at all.</summary>
internal sealed class UnigramTokenizerTests
{
    private const int Unknown = 0;
    private const int WordStart = 30;

    private static readonly UnigramTokenizer Tokenizer = ReadBuiltIn();

    private static IEnumerable<TestCaseData> References =>
        ReferenceText.All.Select((reference, index) => new TestCaseData(reference.Text, reference.TokenIds).SetArgDisplayNames($"{index}"));

    [TestCaseSource(nameof(References))]
    public void Encode_ReferenceText_GivesTheOriginalIds(string text, int[] expected)
    {
        Assert.That(Tokenizer.Encode(text), Is.EqualTo(expected));
    }

    [Test]
    public void Encode_EmptyText_IsOneWordStart()
    {
        Assert.That(Tokenizer.Encode(""), Is.EqualTo(new[] { WordStart }));
    }

    [TestCase("\0")]
    [TestCase("\u0001\u0007\u001b")]
    [TestCase("\ud83d")]
    [TestCase("\udc00\ud800")]
    [TestCase("\U0001f642\U0001f680")]
    public void Encode_UnknownCharacters_AreOneUnknownToken(string text)
    {
        Assert.That(Tokenizer.Encode(text), Is.EqualTo(new[] { WordStart, Unknown }));
    }

    [Test]
    public void Encode_PieceListedTwice_GivesTheLastId()
    {
        using var vocabulary = new StringReader("u\t0\n\t0\n\t0\n\t0\n\t0\n\t0\n\u2581\t-1\na\t-2\na\t-2");

        Assert.That(UnigramTokenizer.Read(vocabulary).Encode("a"), Is.EqualTo(new[] { 6, 8 }));
    }

    [Test]
    public void Encode_EqualSums_LaterStartWins()
    {
        // "▁" + "ab" + "c" and "▁" + "a" + "bc" both score -4.
        using var vocabulary = new StringReader("u\t0\n\t0\n\t0\n\t0\n\t0\n\t0\n\u2581\t-1\nab\t-1\nc\t-2\na\t-2\nbc\t-1\nb\t-9");

        Assert.That(UnigramTokenizer.Read(vocabulary).Encode("abc"), Is.EqualTo(new[] { 6, 7, 8 }));
    }

    [Test]
    public void Read_PieceWhoseFirstCharacterIsNoPiece_Throws()
    {
        using var vocabulary = new StringReader("u\t0\n\t0\n\t0\n\t0\n\t0\n\t0\nab\t-1");

        Assert.That(() => UnigramTokenizer.Read(vocabulary), Throws.TypeOf<InvalidDataException>());
    }

    [TestCase("the quick brown fox ")]
    [TestCase("a")]
    [TestCase("====")]
    [TestCase("\U0001f642")]
    [CancelAfter(120_000)]
    public void Encode_OneMebibyte_TakesTimeInProportion(string unit, CancellationToken cancellationToken)
    {
        string text = string.Concat(Enumerable.Repeat(unit, (1 << 20) / unit.Length));

        Assert.That(Tokenizer.Encode(text), Is.Not.Empty);
        Assert.That(cancellationToken.IsCancellationRequested, Is.False);
    }

    private static UnigramTokenizer ReadBuiltIn()
    {
        using Stream stream = typeof(OnnxEmbeddingGenerator).Assembly.GetManifestResourceStream("Moorcheh.Embeddings.use-lite.vocab.txt")!;
        using var reader = new StreamReader(stream);
        return UnigramTokenizer.Read(reader);
    }
}
