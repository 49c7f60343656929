using System.IO.Compression;
using System.Text;
using Moorcheh.Artifacts;

namespace Moorcheh.Tests.Documents;

/// <summary>Small or plain files that stand for much more in the memory of a careless reader.</summary>
internal static class DocumentBombs
{
    private const string Word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
    private static readonly string Letters = new('x', 1 << 20);

    private const string Start = $"<w:document xmlns:w=\"{Word}\"><w:body>";
    private const string End = "</w:body></w:document>";

    private const string RootRelations =
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r\" "
        + "Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"word/document.xml\"/></Relationships>";

    private const string ContentTypes =
        "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
        + "<Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";

    /// <summary>Name, what its ingest ends with, and the content for a size in MiB.</summary>
    public static IReadOnlyList<(string Name, string Reason, Func<int, byte[]> Make)> All { get; } =
    [
        ("nested.docx", InvalidFile.Malformed, size => Docx(Repeat("<w:a>", size * (1 << 20) / 5))),
        ("nested-closed.docx", InvalidFile.Malformed, size => Docx(Repeat("<w:a>", size << 17).Concat(Repeat("</w:a>", size << 17)))),
        ("nested-properties.docx", InvalidFile.Malformed, size => Docx(Repeat("<w:pPr>", size << 17).Concat(Repeat("</w:pPr>", size << 17)))),
        ("wide.docx", InvalidFile.NoNodes, size => Docx(Repeat("<w:p/>", size << 17))),
        ("names.docx", InvalidFile.Malformed, size => Docx(Numbered(i => $"<w:{i:x}a/>".Replace("w:", "w:a", StringComparison.Ordinal), size))),
        ("long-names.docx", InvalidFile.Malformed, size => Docx(Numbered(i => $"<w:a{i}{new string('x', 1 << 16)}/>", size))),
        ("attributes.docx", InvalidFile.Malformed, size => Docx(["<w:p", .. Numbered(i => $" a{i:x}=''", size), "/>"])),
        ("namespaces.docx", InvalidFile.Malformed, size => Docx(Numbered(i => i % 200 == 0 ? $"<w:a xmlns:a{i:x}='x'" : i % 200 == 199 ? ">" : $" xmlns:a{i:x}='x'", size))),
        ("value.docx", InvalidFile.Malformed, size => Docx(["<w:p a='", .. Repeat(Letters, size + 1), "'/>"])),
        ("text.docx", InvalidFile.Malformed, size => Docx(["<w:p><w:r><w:t>", .. Repeat(Letters, size * 4), "</w:t></w:r></w:p>"])),
        ("section.docx", InvalidFile.Malformed, size => Docx(["<w:p><w:r><w:t><![CDATA[", .. Repeat(Letters, size * 4), "]]></w:t></w:r></w:p>"])),
        ("other-text.docx", InvalidFile.Malformed, size => Docx(["<w:p>", .. Repeat(Letters, size * 4), "</w:p>"])),
        ("comment.docx", InvalidFile.Malformed, size => Docx(["<!--", .. Repeat(Letters, size * 4), "-->"])),
        ("entity.docx", InvalidFile.Malformed, size => Docx([], before: $"<!DOCTYPE a [<!ENTITY a '{Letters}'>{string.Concat(Repeat("<!ENTITY b '&a;&a;&a;'>", size))}]>")),
        ("relations.docx", InvalidFile.Malformed, size => Docx([], ("_rels/.rels", Repeat("<a>", size << 17)))),
        ("part-relations.docx", InvalidFile.NoNodes, size => Docx([], ("word/_rels/document.xml.rels", Repeat("<a>", size << 17)))),
        ("content-types.docx", InvalidFile.NoNodes, size => Docx([], ("[Content_Types].xml", Repeat("<a>", size << 17)))),
        ("styles.docx", InvalidFile.NoNodes, size => Docx([], ("word/styles.xml", Repeat("<a>", size << 17)))),
        ("entries.docx", InvalidFile.Malformed, size => Docx([], [.. Enumerable.Range(0, size * (1 << 20) / 100).Select(i => ($"{i}", (IEnumerable<string>)[]))])),
        ("long-entries.docx", InvalidFile.NoNodes, size => Docx([], [.. Enumerable.Range(0, size << 4).Select(i => ($"{i}{Letters[..60_000]}", (IEnumerable<string>)[]))])),
        ("nested.html", InvalidFile.NoNodes, size => Page(size, size => Repeat("<p>", size * (1 << 20) / 3))),
        ("wide.html", InvalidFile.NoNodes, size => Page(size, size => Repeat("<p></p>", size * (1 << 20) / 7))),
        ("attributes.html", InvalidFile.NoNodes, size => Page(size, size => ["<p ", .. Repeat("a ", size << 19), ">"])),
        ("end-attributes.html", InvalidFile.NoNodes, size => Page(size, size => ["</p ", .. Repeat("a ", size << 19), ">"])),
        ("named-attributes.html", InvalidFile.NoNodes, size => Page(size, size => ["<p ", .. Numbered(i => $"a{i:x} ", size), ">"])),
        ("value.html", InvalidFile.NoNodes, size => Page(size, size => ["<p a='", .. Repeat(Letters, size), "'>"])),
        ("name.html", InvalidFile.NoNodes, size => Page(size, size => ["<p", .. Repeat(Letters, size), ">"])),
        ("digits.html", InvalidFile.Malformed, size => Page(size, size => ["&#", .. Repeat(new string('1', 1 << 20), size)])),
        ("lines.html", InvalidFile.NoNodes, size => Page(size, size => Repeat("\n", size << 20))),
        ("text.html", InvalidFile.TooManyNodes, size => Page(size, size => Repeat(Letters, size))),
        ("script.html", InvalidFile.NoNodes, size => Page(size, size => ["<script>", .. Repeat(Letters, size)])),
        ("nested.pptx", InvalidFile.Malformed, size => Package("ppt/presentation.xml", "<p:a xmlns:p='p'>", Repeat("<p:a>", size << 17))),
        ("text.pptx", InvalidFile.Malformed, size => Package("ppt/slides/slide1.xml", "<a><t>", Repeat(Letters, size * 8), ("ppt/presentation.xml", ["<a/>"]))),
        ("entity.pptx", InvalidFile.Malformed, size => Package("ppt/presentation.xml", $"<!DOCTYPE a [<!ENTITY a '{Letters}'>]>", ["<a>&a;</a>"])),
        ("nested.xlsx", InvalidFile.Malformed, size => Package("xl/workbook.xml", "", Repeat("<a>", size << 17))),
        ("cells.xlsx", InvalidFile.Malformed, size => Package("xl/worksheets/sheet1.xml", "<a>", Repeat("<c/>", size << 20), ("xl/workbook.xml", ["<a/>"]))),
        ("range.xlsx", InvalidFile.Malformed, _ => Package("xl/worksheets/sheet1.xml", "<a><row r='1048576'><c r='XFD1048576'/></row></a>", [], ("xl/workbook.xml", ["<a/>"]))),
        ("strings.xlsx", InvalidFile.Malformed, size => Package("xl/sharedStrings.xml", "<a>", Repeat("<si/>", size << 20), ("xl/workbook.xml", ["<a/>"]))),
        ("text.txt", InvalidFile.TooManyNodes, size => Bytes(Repeat(Letters, size))),
        ("words.md", InvalidFile.TooManyNodes, size => Bytes(Repeat("a ", size << 19))),
        ("wide.csv", InvalidFile.TooManyNodes, size => Bytes(Repeat("1,", size << 19))),
        ("nested.json", InvalidFile.TooManyNodes, size => Bytes(Repeat("[", size << 20))),
    ];

    public static byte[] Make(string name, int size) => All.Single(bomb => bomb.Name == name).Make(size);

    private static IEnumerable<string> Repeat(string text, int count) => Enumerable.Repeat(text, count);

    /// <summary>Parts made from a number until there are as many MiB.</summary>
    private static IEnumerable<string> Numbered(Func<int, string> make, int size)
    {
        long left = (long)size << 20;
        for (int i = 0; left > 0; i++)
        {
            string part = make(i);
            left -= part.Length;
            yield return part;
        }
    }

    private static byte[] Bytes(IEnumerable<string> parts)
    {
        using var bytes = new MemoryStream();
        Write(bytes, parts);
        return bytes.ToArray();
    }

    /// <summary>A page that is not too long to be read.</summary>
    private static byte[] Page(int size, Func<int, IEnumerable<string>> parts) => Bytes(parts(Math.Min(size, 31)));

    private static byte[] Package(string name, string start, IEnumerable<string> content, params (string Name, IEnumerable<string> Content)[] parts)
    {
        using var file = new MemoryStream();
        using (var archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string part, IEnumerable<string> all) in parts.Prepend((name, content.Prepend(start))))
            {
                using Stream stream = archive.CreateEntry(part, CompressionLevel.Fastest).Open();
                Write(stream, all);
            }
        }

        return file.ToArray();
    }

    private static byte[] Docx(IEnumerable<string> content, params (string Name, IEnumerable<string> Content)[] parts) => Docx(content, "", parts);

    private static byte[] Docx(IEnumerable<string> content, string before, params (string Name, IEnumerable<string> Content)[] parts)
    {
        using var file = new MemoryStream();
        using (var archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            var all = new Dictionary<string, IEnumerable<string>>
            {
                ["[Content_Types].xml"] = [ContentTypes],
                ["_rels/.rels"] = [RootRelations],
                ["word/document.xml"] = [before, Start, .. content, End],
            };
            foreach ((string name, IEnumerable<string> part) in parts)
            {
                all[name] = part;
            }

            foreach ((string name, IEnumerable<string> part) in all)
            {
                using Stream stream = archive.CreateEntry(name, CompressionLevel.Fastest).Open();
                Write(stream, part);
            }
        }

        return file.ToArray();
    }

    private static void Write(Stream stream, IEnumerable<string> parts)
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true);
        foreach (string part in parts)
        {
            writer.Write(part);
        }
    }
}
