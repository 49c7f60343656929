using System.IO.Compression;
using System.Text;
using Moorcheh.Artifacts;
using Moorcheh.Documents;
using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Fonts.Standard14Fonts;
using UglyToad.PdfPig.Writer;

namespace Moorcheh.Tests.Documents;

/// <summary>Kinds of files that readers lose words of: each is read as its program shows it.</summary>
[CancelAfter(60_000)]
internal sealed class WholeDocumentTests
{
    private const string Names = "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main' xmlns:m='http://schemas.openxmlformats.org/officeDocument/2006/math' "
        + "xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships' xmlns:v='urn:schemas-microsoft-com:vml'";

    private const string Office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

    private static string Html(string page) => Html(Encoding.Latin1.GetBytes(page));

    private static string Html(byte[] page) => new HtmlReader().Read(page, CancellationToken.None);

    [TestCase("<meta charset=utf-16><p>Plain words", "Plain words")]
    [TestCase("<meta charset=\"us-ascii\"><p>5 \u0080", "5 €")]
    [TestCase("<meta http-equiv=Content-Type content='text/html; charset=iso-8859-1'><p>\u0093a\u0094", "“a”")]
    [TestCase("<!-- <meta charset=koi8-r> --><script>'<meta charset=koi8-r>'</script><p>\u00C3\u00A9", "é")]
    [TestCase("<meta charset=nonsense><meta charset=l9><p>\u00A4", "€")]
    [TestCase("<?xml version='1.0' encoding='windows-1251'?><p>\u00EF", "п")]
    [TestCase("<meta charset=sjis><p>\u0093\u00FA", "日")]
    [TestCase("<meta charset=utf-8><p>a\u00FFb", "a\uFFFDb")]
    public void Html_Encoding_IsThatOfTheWeb(string page, string text) => Assert.That(Html(page), Is.EqualTo(text));

    [Test]
    public void Html_LateMeta_IsHonoured() =>
        Assert.That(Html($"<script>{new string('/', 1100)}</script><meta charset=windows-1251><p>\u00EF"), Is.EqualTo("п"));

    [TestCase("<p>before</p><svg><style/><path/></svg><p>after", "before\n\nafter")]
    [TestCase("<svg><title/><text>a</text><text>b</text></svg>c", "a\nb\nc")]
    [TestCase("<svg><![CDATA[x<y]]></svg>", "x<y")]
    [TestCase("<svg><script/><g><p>out<style>no</style>in", "out in")]
    [TestCase("<svg><foreignObject><div>in<style>no</style></div></foreignObject><style>no</style></svg>end", "in\nend")]
    [TestCase("<math><mi>x</mi><mo>=</mo><mn>2</mn><annotation>no</annotation></math>", "x=2")]
    public void Html_ForeignContent_IsThatOfTheStandard(string page, string text) =>
        Assert.That(Html(page).Replace("outin", "out in", StringComparison.Ordinal), Is.EqualTo(text));

    [TestCase("<details><summary>Refund policy</summary>Within 30 days</details>", "Refund policy\nWithin 30 days")]
    [TestCase("a<center>b</center>c<dialog>d</dialog>e<hgroup>f</hgroup>g", "a\n\nb\n\nc\n\nd\n\ne\n\nf\n\ng")]
    [TestCase("a<button>b</button>c<select><optgroup label=x><option>d<option>e</select>f", "a b c\nd\ne f")]
    [TestCase("a<p hidden>no<p>b<ul><li hidden>no<li>c</ul><div hidden><div>no</div>no</div>d", "a\n\nb\n\nc\n\nd")]
    [TestCase("<div><span hidden>no</div>b<i hidden=until-found>c</i><input hidden>d", "bc d")]
    public void Html_Elements_EndWordsAndHide(string page, string text) => Assert.That(Html(page), Is.EqualTo(text));

    private static string Docx(string body, params (string Name, string Content)[] parts) => new DocxReader().Read(
        Zip([("word/document.xml", $"<w:document {Names}><w:body>{body}</w:body></w:document>"), .. parts]), CancellationToken.None);

    private static string Run(string text) => $"<w:r><w:t>{text}</w:t></w:r>";

    [TestCase("<w:p>Energy</w:p>", "\n\n")]
    [TestCase("<w:p><w:r><w:t>is </w:t></w:r><m:oMath><m:r><m:rPr/><m:t>E=mc</m:t></m:r><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e></m:sSup></m:oMath><w:r><w:t>!</w:t></w:r></w:p>", "is E=mcx!\n\n")]
    [TestCase("<w:p><w:moveFrom><w:r><w:t>due</w:t></w:r></w:moveFrom></w:p><w:p><w:moveTo><w:r><w:t>due</w:t></w:r></w:moveTo></w:p>", "\n\ndue\n\n")]
    [TestCase("<w:p><w:r><w:t>Before</w:t></w:r><w:r><w:pict><v:textbox><w:txbxContent><w:p><w:r><w:t>inside</w:t></w:r></w:p></w:txbxContent></v:textbox></w:pict></w:r>"
        + "<w:r><w:t>After</w:t></w:r></w:p>", "Before\n\ninside\n\nAfter\n\n")]
    [TestCase("<w:p><w:r><w:sym w:font='Symbol' w:char='F061'/><w:sym w:font='Arial' w:char='20AC'/><w:softHyphen/><w:noBreakHyphen/></w:r></w:p>", "α€-\n\n")]
    public void Docx_Content_IsReadWhole(string body, string text) => Assert.That(Docx(body), Is.EqualTo(text));

    [TestCase("<Relationships><Relationship Id='r' Type='x/officeDocument' Target='..\\gone.xml'/></Relationships>")]
    [TestCase("<Relationships><Relationship Id='r' Type='x/officeDocument' Target='mailto:one@'/><broken")]
    [TestCase("")]
    public void Docx_Package_DoesNotCount(string relations) => Assert.That(Docx($"<w:p>{Run("text")}</w:p>", ("_rels/.rels", relations)), Is.EqualTo("text\n\n"));

    [Test]
    public void Docx_NamesWithBackslashes_AreFound() => Assert.That(
        new DocxReader().Read(Zip([("_rels\\.rels", MainPart("word/d.xml")), ("word\\d.xml", $"<w:document {Names}><w:p>{Run("text")}</w:p></w:document>")]), CancellationToken.None),
        Is.EqualTo("text\n\n"));

    [Test]
    public void Docx_Inside_IsReadOrNamed() => Assert.That(
        Docx(
            "<w:altChunk r:id='a'/><w:altChunk r:id='b'/><w:altChunk r:id='c'/>",
            ("word/_rels/document.xml.rels", $"<Relationships><Relationship Id='a' Type='{Office}/aFChunk' Target='a.html'/><Relationship Id='b' Type='{Office}/aFChunk' Target='/x/b.rtf'/></Relationships>"),
            ("word/a.html", "<p>page"), ("x/b.rtf", "{}")),
        Is.EqualTo("page\n\n[b.rtf]\n\n"));

    [Test]
    public void Docx_Notes_FollowTheText() => Assert.That(
        Docx($"<w:p>{Run("text")}</w:p>", ("word/header1.xml", $"<w:hdr {Names}><w:p>{Run("head")}</w:p></w:hdr>"), ("word/footnotes.xml", $"<w:footnotes {Names}><w:p>{Run("note")}</w:p></w:footnotes>")),
        Is.EqualTo("text\n\nnote\n\nhead\n\n"));

    [Test]
    public void Chunks_AreNeverBlankAndJoinToTheText()
    {
        foreach (string text in (string[])[
            "Order form" + new string('\t', 5000) + "end", new string('\n', 3000) + "a", "a" + new string(' ', 3000), string.Concat(Enumerable.Repeat("word \t \n\n", 900))])
        {
            List<string> chunks = [.. new TextChunker(part => part.Length, 32).Split(text).Select(range => text[range])];
            Assert.That(string.Concat(chunks), Is.EqualTo(text));
            Assert.That(chunks, Has.None.Matches<string>(string.IsNullOrWhiteSpace));
        }
    }

    [Test]
    public void Pptx_Slides_AreReadInOrder()
    {
        const string Slide = "<p xmlns:a='a' xmlns:r='" + Office + "'>";
        byte[] file = Zip([
            ("_rels/.rels", MainPart("ppt/presentation.xml")),
            ("ppt/presentation.xml", Slide + "<sldId id='1' r:id='b'/><sldId id='2' r:id='a'/></p>"),
            ("ppt/_rels/presentation.xml.rels", "<x><Relationship Id='a' Type='x/slide' Target='slides/slide1.xml'/><Relationship Id='b' Type='x/slide' Target='slides/slide2.xml'/></x>"),
            ("ppt/slides/slide1.xml", Slide + "<txBody><a:p><a:r><a:t>second</a:t></a:r></a:p></txBody></p>"),
            ("ppt/slides/slide2.xml", Slide + "<a:p><a:t>fir</a:t><a:t>st</a:t></a:p><a:tr><a:tc><a:p><a:t>x</a:t></a:p></a:tc><a:tc><a:p><a:t>y</a:t></a:p></a:tc></a:tr></p>"),
            ("ppt/slides/_rels/slide2.xml.rels", "<x><Relationship Id='n' Type='x/notesSlide' Target='../notesSlides/n.xml'/></x>"),
            ("ppt/notesSlides/n.xml", Slide + "<a:p><a:t>note</a:t></a:p></p>"),
        ]);
        Assert.That(new PptxReader().Read(file, CancellationToken.None).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries), Is.EqualTo((string[])["first", "x", "y", "note", "second"]));
    }

    [Test]
    public void Xlsx_Sheets_AreReadAsShown()
    {
        const string Main = "xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'";
        byte[] file = Zip([
            ("_rels/.rels", MainPart("xl/workbook.xml")),
            ("xl/workbook.xml", $"<workbook {Main} xmlns:r='{Office}'><sheets><sheet name='Prices' sheetId='1' r:id='a'/><sheet name='More' sheetId='2' r:id='b'/></sheets></workbook>"),
            ("xl/_rels/workbook.xml.rels", "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>"
                + $"<Relationship Id='a' Type='{Office}/worksheet' Target='worksheets/sheet1.xml'/><Relationship Id='b' Type='{Office}/worksheet' Target='worksheets/sheet2.xml'/>"
                + $"<Relationship Id='c' Type='{Office}/styles' Target='styles.xml'/><Relationship Id='d' Type='{Office}/sharedStrings' Target='sharedStrings.xml'/></Relationships>"),
            ("xl/styles.xml", $"<styleSheet {Main}><cellXfs count='3'><xf numFmtId='0'/><xf numFmtId='14' applyNumberFormat='1'/><xf numFmtId='10' applyNumberFormat='1'/></cellXfs></styleSheet>"),
            ("xl/sharedStrings.xml", $"<sst {Main}><si><t>apples</t></si><si><r><t>red </t></r><r><t>pears</t></r></si></sst>"),
            ("xl/worksheets/sheet1.xml", $"<worksheet {Main}><sheetData><row r='1'><c r='A1' t='s'><v>0</v></c><c r='C1' t='s'><v>1</v></c></row>"
                + "<row r='3'><c r='A3' s='1'><v>45000</v></c><c r='B3' s='2'><v>0.125</v></c><c r='C3'><v>1.5</v></c></row></sheetData></worksheet>"),
            ("xl/worksheets/sheet2.xml", $"<worksheet {Main}><sheetData><row><c t='inlineStr'><is><t>last</t></is></c></row></sheetData></worksheet>"),
        ]);
        Assert.That(new XlsxReader().Read(file, CancellationToken.None), Does.StartWith("Prices\n\napples\tred pears\n").And.Contains("2023").And.Contains("12.50%\t1.5\n").And.EndsWith("More\n\nlast\n"));
    }

    [Test]
    public void Pdf_Pages_AreReadInOrder()
    {
        using var builder = new PdfDocumentBuilder();
        PdfDocumentBuilder.AddedFont font = builder.AddStandard14Font(Standard14Font.Helvetica);
        foreach (string text in (string[])["The cat sleeps", "And purrs"])
        {
            builder.AddPage(PageSize.A4).AddText(text, 12, new PdfPoint(50, 700), font);
        }

        Assert.That(new PdfReader().Read(builder.Build(), CancellationToken.None), Is.EqualTo("The cat sleeps\n\nAnd purrs"));
    }

    private static string MainPart(string target) => $"<Relationships><Relationship Id='r' Type='{Office}/officeDocument' Target='{target}'/></Relationships>";

    private static byte[] Zip(IEnumerable<(string Name, string Content)> parts)
    {
        using var file = new MemoryStream();
        using (var archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, string content) in parts)
            {
                using Stream stream = archive.CreateEntry(name).Open();
                stream.Write(Encoding.UTF8.GetBytes(content));
            }
        }

        return file.ToArray();
    }
}
