using System.IO.Compression;
using System.Text;
using Moorcheh.Documents;
using Moorcheh.Documents.Readers.Pdf;
using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Fonts.Standard14Fonts;
using UglyToad.PdfPig.Writer;

namespace Moorcheh.Tests.Documents;

/// <summary>What the reader of PDF files makes of files that another library wrote, and of hostile ones.</summary>
[CancelAfter(60_000)]
internal sealed class PdfReaderTests
{
    [Test]
    public void Pdf_Pages_ReadAsText()
    {
        using var builder = new PdfDocumentBuilder();
        PdfDocumentBuilder.AddedFont font = builder.AddStandard14Font(Standard14Font.Helvetica);
        PdfPageBuilder first = builder.AddPage(PageSize.A4);
        first.AddText("All about cats", 20, new PdfPoint(50, 700), font);
        first.AddText("They sleep and manip-", 12, new PdfPoint(50, 650), font);
        first.AddText("ulate people.", 12, new PdfPoint(50, 636), font);
        first.AddText("gap", 12, new PdfPoint(200, 636), font);
        builder.AddPage(PageSize.A4).AddText("Second page", 12, new PdfPoint(50, 700), font);

        Assert.That(Read(builder.Build()), Is.EqualTo("All about cats\n\nThey sleep and manipulate people. gap\n\nSecond page"));
    }

    [Test]
    public void Pdf_FormThatShowsItself_Ends()
    {
        string text = Read(Pdf(
            "/Resources<</XObject<</A 5 0 R>>>>",
            Stream("<<", "/A Do /A Do"),
            Stream("<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</A 5 0 R>>>>", "/A Do /A Do")));

        Assert.That(text, Is.Empty);
    }

    /// <summary>Forms of ten forms each, seven deep: ten million without a bound.</summary>
    [Test]
    public void Pdf_FormsOfForms_AreBounded()
    {
        var objects = new List<string> { Stream("<<", string.Concat(Enumerable.Repeat("/A Do ", 10))) };
        for (int i = 0; i < 7; i++)
        {
            objects.Add(Stream($"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</A {i + 6} 0 R>>>>", string.Concat(Enumerable.Repeat("/A Do ", 10))));
        }

        objects.Add(Stream("<</Type/XObject/Subtype/Form/BBox[0 0 9 9]", "0 g"));
        Assert.That(() => Read(Pdf("/Resources<</XObject<</A 5 0 R>>>>", [.. objects])), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("100001 forms"));
    }

    [Test]
    public void Pdf_FormsInsideEachOther_AreBounded()
    {
        List<string> objects = [Stream("<<", "/A4 Do")];
        for (int i = 5; i < 2000; i++)
        {
            objects.Add(Stream($"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</A{i} {i + 1} 0 R>>>>", $"/A{i} Do"));
        }

        objects.Add(Stream("<</Type/XObject/Subtype/Form/BBox[0 0 9 9]", "0 g"));
        Assert.That(
            () => Read(Pdf("/Resources<</XObject<</A4 5 0 R>>>>", [.. objects])), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("65 forms inside"));
    }

    [Test]
    public void Pdf_ContentOfOneStreamManyTimes_IsBounded()
    {
        string content = string.Concat(Enumerable.Repeat("0 g\n", 1 << 20));
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            zlib.Write(Encoding.Latin1.GetBytes(content));
        }

        string many = string.Concat(Enumerable.Repeat("5 0 R ", 30));
        byte[] file = Pdf($"/Contents[{many}]", Stream("<<", "0 g"), Stream("<</Filter/FlateDecode", Encoding.Latin1.GetString(packed.ToArray())));
        string text = Encoding.Latin1.GetString(file).Replace("/Contents 4 0 R", "               ", StringComparison.Ordinal);
        Assert.That(() => Read(Encoding.Latin1.GetBytes(text)), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("streams of a page"));
    }

    /// <summary>The example of ISO 32000-1, 7.4.4.2, and one that is cut off.</summary>
    [TestCase("800B6050220C0C8501", 10)]
    [TestCase("800B605022", 5)]
    [TestCase("", 0)]
    public void LzwLength_IsThatOfTheUnpackedStream(string packed, int length) =>
        Assert.That(LzwLength.Of(Convert.FromHexString(packed), earlyChange: 1), Is.EqualTo(length));

    [Test]
    public void Pdf_StatesInsideEachOther_AreBounded() => Assert.That(
        () => Read(Pdf("", Stream("<<", string.Concat(Enumerable.Repeat("q ", 20_000))))),
        Throws.InstanceOf<InvalidDataException>().With.Message.Contains("10001 graphics states"));

    [Test]
    public void Pdf_PackedStream_IsReadUpToALimit()
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            byte[] part = new byte[1 << 20];
            part.AsSpan().Fill((byte)' ');
            for (int i = 0; i < 64; i++)
            {
                zlib.Write(part);
            }
        }

        string content = Encoding.Latin1.GetString(packed.ToArray());
        long before = GC.GetTotalAllocatedBytes();
        Assert.That(
            () => Read(Pdf("", Stream("<</Filter/FlateDecode", content))),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains("the limit is 33554432"));
        Assert.That(GC.GetTotalAllocatedBytes() - before, Is.LessThan(64L << 20));
    }

    [TestCase("")]
    [TestCase("%PDF-1.7")]
    [TestCase("no PDF at all")]
    public void Pdf_Broken_IsRefused(string content) => Assert.That(() => Read(Encoding.Latin1.GetBytes(content)), Throws.InstanceOf<Exception>());

    private static string Read(byte[] file) => new PdfReader().Read(file, CancellationToken.None);

    private static string Stream(string dictionary, string content) => $"{dictionary}/Length {content.Length}>>stream\n{content}\nendstream";

    /// <summary>A file of one page; its content is the first stream, object 4, the others follow.</summary>
    private static byte[] Pdf(string page, params string[] streams)
    {
        var file = new StringBuilder("%PDF-1.7\n");
        List<int> places = [];
        string[] objects = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", $"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]/Contents 4 0 R{page}>>", .. streams];
        for (int i = 0; i < objects.Length; i++)
        {
            places.Add(file.Length);
            file.Append($"{i + 1} 0 obj\n{objects[i]}\nendobj\n");
        }

        int table = file.Length;
        file.Append($"xref\n0 {objects.Length + 1}\n0000000000 65535 f \n");
        foreach (int place in places)
        {
            file.Append($"{place:D10} 00000 n \n");
        }

        return Encoding.Latin1.GetBytes(file.Append($"trailer<</Size {objects.Length + 1}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF").ToString());
    }
}
