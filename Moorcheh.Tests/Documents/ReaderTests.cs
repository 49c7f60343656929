using System.IO.Compression;
using System.Text;
using DocumentFormat.OpenXml;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Wordprocessing;
using Moorcheh.Documents;
using Moorcheh.Tests.Http.Artifacts;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Documents;

/// <summary>What the readers of web pages and Word documents make of files, sound and hostile.</summary>
[CancelAfter(60_000)]
internal sealed class ReaderTests
{
    private const string StrictWord = "http://purl.oclc.org/ooxml/wordprocessingml/main";

    private static string Html(string page) => Html(Encoding.UTF8.GetBytes(page));

    private static string Html(byte[] page) => new HtmlReader().Read(page, CancellationToken.None);

    private static string Docx(byte[] file) => new DocxReader().Read(file, CancellationToken.None);

    [Test]
    public void Html_Page_ReadsAsText() => Assert.That(
        Html("""
            <!DOCTYPE html><html><head><title>Cats &amp; dogs</title><style>p { color: red }</style><script>if (a < b) { "</p>" }</script></head>
            <body><h1>All
              about <b>cats</b></h1><!-- not this --><p>They sleep.<br>And purr &#128049;.</p>
            <ul><li>one</li><li>two</li></ul><table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>
            <pre>x  = 1
              y</pre><template>hidden</template>end</body></html>
            """),
        Is.EqualTo("Cats & dogs\n\nAll about cats\n\nThey sleep.\nAnd purr \U0001F431.\n\none\ntwo\n\na\tb\nc\n\nx  = 1\n  y\n\nend"));

    [Test]
    public void Html_Encodings_AreHonoured()
    {
        Assert.That(Html([.. Encoding.UTF8.Preamble, .. "<p>ü"u8]), Is.EqualTo("ü"));
        Assert.That(Html(Encoding.Latin1.GetBytes("<meta charset=iso-8859-1><p>Grüße")), Is.EqualTo("Grüße"));
        Assert.That(Html([.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes("<p>ü")]), Is.EqualTo("ü"));
        Assert.That(() => Html([.. "<p>"u8, 0xC3, 0x28]), Throws.InstanceOf<DecoderFallbackException>());
    }

    [Test]
    public void Html_DeeplyNested_TakesTimeInProportion() =>
        Assert.That(Html(string.Concat(Enumerable.Repeat("<div><p>", 1_000_000)) + "deep"), Is.EqualTo("deep"));

    [Test]
    public void Html_UnclosedEverything_Ends() =>
        Assert.That(Html("<p>text<script>never closed <p>not text"), Is.EqualTo("text"));

    [Test]
    public void Docx_Document_ReadsAsText()
    {
        byte[] file = WordFile(
            new Paragraph(
                new ParagraphProperties(new Tabs(new TabStop { Val = TabStopValues.Left, Position = 100 })),
                new Run(new Text("All about ") { Space = SpaceProcessingModeValues.Preserve }),
                new Run(new RunProperties(new Bold()), new Text("cats"))),
            new Paragraph(new Run(new Text("They sleep."), new Break(), new Text("And"), new TabChar(), new Text("purr."))),
            new Table(
                new TableRow(Cell("a"), Cell("b")),
                new TableRow(Cell("c"), Cell("d"))),
            new Paragraph(new DeletedRun(new Run(new DeletedText("gone"))), new Run(new FieldCode(" PAGE ")), new Run(new Text("end"))));
        Assert.That(Docx(file), Is.EqualTo("All about cats\n\nThey sleep.\nAnd\tpurr.\n\na \tb \t\nc \td \t\n\nend\n\n"));

        static TableCell Cell(string text) => new(new Paragraph(new Run(new Text(text))));
    }

    /// <summary>A gigabyte of one letter in some megabytes.</summary>
    internal static byte[] ZipBomb() => Replace(WordFile(new Paragraph()), "word/document.xml", stream =>
    {
        stream.Write("<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body><w:p><w:r>"u8);
        byte[] part = Encoding.UTF8.GetBytes($"<w:t>{new string('x', 1 << 20)}</w:t>");
        for (int i = 0; i < 1024; i++)
        {
            stream.Write(part);
        }

        stream.Write("</w:r></w:p></w:body></w:document>"u8);
    });

    [Test]
    public void Docx_ZipBomb_IsGivenUpEarly()
    {
        byte[] file = ZipBomb();
        Assert.That(file, Has.Length.LessThan(16 << 20));
        long before = GC.GetTotalAllocatedBytes();
        Assert.That(() => Docx(file), Throws.InstanceOf<Exception>());
        Assert.That(GC.GetTotalAllocatedBytes() - before, Is.LessThan(512L << 20));
    }

    [TestCase(254, true)]
    [TestCase(255, false)]
    public void Docx_Nested_IsReadUpToALimit(int levels, bool isRead)
    {
        // Around them are the document and its body, inside of them a run of text in a paragraph.
        byte[] file = Body(string.Concat(Enumerable.Repeat("<w:sdt>", levels - 3)) + "<w:p><w:r><w:t>deep</w:t></w:r></w:p>" + string.Concat(Enumerable.Repeat("</w:sdt>", levels - 3)));
        AssertBound(() => Docx(file), isRead ? "deep\n\n" : null, "The document has 257 elements inside each other; the limit is 256.");
    }

    [TestCase(900, true)]
    [TestCase(1000, false)]
    public void Docx_Attributes_AreReadUpToALimit(int count, bool isRead)
    {
        byte[] file = Body($"<w:p {string.Concat(Enumerable.Range(0, count).Select(i => $" a{i}=\"\""))}><w:r><w:t>wide</w:t></w:r></w:p>");
        AssertBound(() => Docx(file), isRead ? "wide\n\n" : null, "A tag of the document has 1001 names; the limit is 1000.");
    }

    [TestCase(9_000, true)]
    [TestCase(10_000, false)]
    public void Docx_DifferentNames_AreReadUpToALimit(int count, bool isRead)
    {
        byte[] file = Body($"<w:p>{string.Concat(Enumerable.Range(0, count).Select(i => $"<w:a{i}/>"))}</w:p>");
        AssertBound(() => Docx(file), isRead ? "\n\n" : null, "The document has 10001 different names; the limit is 10000.");
    }

    [TestCase(1000, true)]
    [TestCase(1001, false)]
    public void Docx_LongName_IsReadUpToALimit(int length, bool isRead) => AssertBound(
        () => Docx(Body($"<w:p/><{new string('x', length)}/>")), isRead ? "" : null, "A name in the document has 1001 characters; the limit is 1000.");

    /// <summary>Attributes may be long, as those of drawings are, and texts longer.</summary>
    [TestCase(7 << 20, true)]
    [TestCase(9 << 20, false)]
    public void Docx_LongAttribute_IsReadUpToALimit(int length, bool isRead)
    {
        string letters = new('x', length);
        AssertBound(
            () => Docx(Body($"<w:p a=\"{letters}\"><w:r><w:t>{letters}</w:t></w:r></w:p>")), isRead ? letters + "\n\n" : null, "A tag or comment of the document has * bytes or more; the limit is 8388608.");
        Assert.That(Docx(Body($"<w:p><w:r><w:t>{letters}</w:t></w:r></w:p>")), Has.Length.EqualTo(length + 2));
    }

    [Test]
    public void Docx_RelationsOfTheMainPart_AreNotRead()
    {
        byte[] file = Replace(WordFile(new Paragraph(new Run(new Text("text")))), "word/_rels/document.xml.rels", stream => stream.Write(new byte[5 << 20]));
        Assert.That(Docx(file), Is.EqualTo("text\n\n"));
    }

    [Test]
    public void Docx_ManyEntries_AreRefusedBeforeTheyAreListed()
    {
        using var file = new MemoryStream();
        using (var archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            for (int i = 0; i < 10_001; i++)
            {
                archive.CreateEntry($"{i}");
            }
        }

        AssertBound(() => Docx(file.ToArray()), null, "The document has 10001 parts; the limit is 10000.");
    }

    /// <summary>Other names than Word gives, and letters of another case.</summary>
    [TestCase("/Word/Other%20name.xml", "word/other name.xml")]
    [TestCase("Document.xml", "document.xml")]
    [TestCase("./a/../b.xml", "b.xml")]
    public void Docx_MainPart_IsThatOfTheRelations(string target, string part)
    {
        byte[] file = Replace(WordFile(new Paragraph()), "_rels/.rels", stream => stream.Write(Encoding.UTF8.GetBytes(
            $"<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"a\" Type=\"other\" Target=\"{part}.not\"/>"
            + $"<Relationship Id=\"b\" Type=\"http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument\" Target=\"{target}\"/></Relationships>")));
        file = Replace(file, part, stream => stream.Write(Encoding.UTF8.GetBytes($"<w:document xmlns:w=\"{StrictWord}\"><w:p><w:r><w:t>found</w:t></w:r></w:p></w:document>")));
        Assert.That(Docx(file), Is.EqualTo("found\n\n"));
    }

    [TestCase(64, true)]
    [TestCase(65, false)]
    public void Html_CharacterReference_IsReadUpToALimit(int digits, bool isRead)
    {
        string zeros = new('0', digits - 2);
        foreach (string mark in (string[])["&#", "&#x"])
        {
            AssertBound(() => Html($"<p title='{mark}41;'>a{mark}{zeros}65;b"), isRead ? mark == "&#" ? "aAb" : "aeb" : null, "A character reference of the page has 65 digits; the limit is 64.");
        }
    }

    [TestCase(32 << 20, true)]
    [TestCase((32 << 20) + 1, false)]
    public void Html_LongPage_IsReadUpToALimit(int length, bool isRead) => AssertBound(
        () => Html("x".PadRight(length)), isRead ? "x" : null, "The page has 33554433 characters; the limit is 33554432.");

    private static void AssertBound(Func<string> read, string? text, string refusal)
    {
        if (text is null)
        {
            Assert.That(() => read(), Throws.InstanceOf<InvalidDataException>().With.Message.Matches($"^{System.Text.RegularExpressions.Regex.Escape(refusal).Replace("\\*", "[0-9]+", StringComparison.Ordinal)}$"));
        }
        else
        {
            Assert.That(read() == text, "It is read.");
        }
    }

    [Test]
    public void Docx_ExternalEntity_IsRefused()
    {
        byte[] file = Replace(WordFile(new Paragraph()), "word/document.xml", stream => stream.Write(
            "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body><w:p><w:r><w:t>&e;</w:t></w:r></w:p></w:body></w:document>"u8));
        Assert.That(() => Docx(file), Throws.InstanceOf<System.Xml.XmlException>());
    }

    [TestCase(0)]
    [TestCase(4)]
    [TestCase(100)]
    public void Docx_NoArchive_IsRefused(int bytes) => Assert.That(() => Docx(new byte[bytes]), Throws.InstanceOf<Exception>());

    /// <summary>Over HTTP, with the suffix choosing the reader.</summary>
    [Test]
    public async Task Ingest_HtmlAndDocx_AreRead()
    {
        await using TestServer server = await ArtifactServer.StartAsync();
        foreach ((string name, byte[] content, string text) in ((string, byte[], string)[])[
            ("page.HTML", "<p>about cats</p><p>and dogs"u8.ToArray(), "about cats\n\nand dogs"),
            ("page.htm", "about cats"u8.ToArray(), "about cats"),
            ("letter.docx", WordFile(new Paragraph(new Run(new Text("about cats")))), "about cats\n\n")])
        {
            ApiAnswer answer = await server.Api.PostAsync(
                "/v1/artifacts/ingest", new { artifact = name, collection = "c", input = new { type = "file", value = Convert.ToBase64String(content) }, metadata = new { file_name = name } });
            Assert.That(answer.Status, Is.EqualTo(200), answer.Text);
            Assert.That((await server.Store.Artifacts.ReadAsync("c", name))!.Chunks.Single().Text, Is.EqualTo(text));
        }

        ApiAnswer wrong = await server.Api.PostAsync(
            "/v1/artifacts/ingest", new { artifact = "a", input = new { type = "file", value = "SGVsbG8=" }, metadata = new { file_name = "hello.docx" } });
        wrong.AssertIs(400, """{"detail":"InvalidFileError(errors=['zpgt.ingest.malformed_file.error'], warnings=[])"}""");
    }

    private static byte[] Body(string content) => Replace(WordFile(), "word/document.xml", stream => stream.Write(
        Encoding.UTF8.GetBytes($"<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>{content}</w:body></w:document>")));

    private static byte[] WordFile(params OpenXmlElement[] content)
    {
        using var file = new MemoryStream();
        using (WordprocessingDocument document = WordprocessingDocument.Create(file, WordprocessingDocumentType.Document))
        {
            document.AddMainDocumentPart().Document = new DocumentFormat.OpenXml.Wordprocessing.Document(new Body(content));
        }

        return file.ToArray();
    }

    /// <summary>The file with another content of one of its parts.</summary>
    private static byte[] Replace(byte[] file, string part, Action<Stream> write)
    {
        using var copy = new MemoryStream();
        copy.Write(file);
        using (var archive = new ZipArchive(copy, ZipArchiveMode.Update, leaveOpen: true))
        {
            archive.GetEntry(part)?.Delete();
        }

        using (var archive = new ZipArchive(copy, ZipArchiveMode.Update, leaveOpen: true))
        {
            using Stream stream = archive.CreateEntry(part, CompressionLevel.Fastest).Open();
            write(stream);
        }

        return copy.ToArray();
    }
}
