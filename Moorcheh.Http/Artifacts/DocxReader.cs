using System.IO.Compression;
using System.Text;
using System.Xml;
using DocumentFormat.OpenXml.Packaging;

namespace Moorcheh.Http.Artifacts;

/// <summary>
/// Reads the text of Word documents: paragraphs, line breaks, tabs, table cells. The main part is read as a stream of elements, never as a tree, and
/// only so far: a small file can stand for any number of bytes.
/// </summary>
internal sealed class DocxReader : IDocumentReader
{
    private const int MaxParts = 10_000;
    private const long MaxPartListBytes = 4 << 20;
    private const int MaxMainPartCharacters = 128 << 20;
    private const int MaxTextCharacters = 32 << 20;

    private const string Word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
    private const string StrictWord = "http://purl.oclc.org/ooxml/wordprocessingml/main";
    private const string Alternatives = "http://schemas.openxmlformats.org/markup-compatibility/2006";

    private static readonly XmlReaderSettings Settings = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        MaxCharactersInDocument = MaxMainPartCharacters,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
    };

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Suffixes { get; } = [".docx"];

    /// <inheritdoc/>
    public string Read(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        using var file = new MemoryStream(content.ToArray(), writable: false);
        CheckParts(file);
        using WordprocessingDocument document = WordprocessingDocument.Open(file, isEditable: false);
        MainDocumentPart main = document.MainDocumentPart ?? throw new InvalidDataException("The document has no main part.");
        using Stream stream = main.GetStream(FileMode.Open, FileAccess.Read);
        using var reader = XmlReader.Create(stream, Settings);
        return ReadText(reader, cancellationToken);
    }

    /// <summary>What opening the package reads as a whole must be small. No part gives more bytes than its length here.</summary>
    private static void CheckParts(MemoryStream file)
    {
        using (var archive = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true))
        {
            if (archive.Entries.Count > MaxParts)
            {
                throw new InvalidDataException($"The document has {archive.Entries.Count} parts; the limit is {MaxParts}.");
            }

            long bytes = archive.Entries
                .Where(entry => entry.FullName.EndsWith(".rels", StringComparison.OrdinalIgnoreCase) || entry.FullName.StartsWith("[Content_Types]", StringComparison.OrdinalIgnoreCase))
                .Sum(entry => entry.Length);
            if (bytes > MaxPartListBytes)
            {
                throw new InvalidDataException($"The list of the document's parts has {bytes} bytes; the limit is {MaxPartListBytes}.");
            }
        }

        file.Position = 0;
    }

    private static string ReadText(XmlReader reader, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        int cells = 0;
        bool isText = false;
        bool isRead = reader.Read();
        while (isRead)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (text.Length > MaxTextCharacters)
            {
                throw new InvalidDataException($"The document has more than {MaxTextCharacters} characters.");
            }

            // Properties, such as where tabs stop, are no text; a fallback is the same text once more, for programs that do not know the first.
            bool isWord = reader.NamespaceURI is Word or StrictWord;
            if (reader.NodeType == XmlNodeType.Element
                && ((isWord && reader.LocalName.EndsWith("Pr", StringComparison.Ordinal)) || reader is { NamespaceURI: Alternatives, LocalName: "Fallback" }))
            {
                reader.Skip();
                isRead = !reader.EOF;
                continue;
            }

            switch (reader.NodeType)
            {
                case XmlNodeType.Element when isWord:
                    isText = reader is { LocalName: "t", IsEmptyElement: false };
                    cells += reader is { LocalName: "tc", IsEmptyElement: false } ? 1 : 0;
                    text.Append(reader.LocalName switch { "tab" => "\t", "br" or "cr" => "\n", "noBreakHyphen" => "-", _ => "" });
                    break;
                case XmlNodeType.EndElement when isWord:
                    isText = false;
                    cells -= reader.LocalName == "tc" ? 1 : 0;
                    text.Append(reader.LocalName switch { "p" => cells > 0 ? " " : "\n\n", "tc" => "\t", "tr" => "\n", "tbl" => "\n", _ => "" });
                    break;
                case XmlNodeType.Text or XmlNodeType.SignificantWhitespace or XmlNodeType.Whitespace or XmlNodeType.CDATA when isText:
                    text.Append(reader.Value);
                    break;
            }

            isRead = reader.Read();
        }

        return text.ToString();
    }
}
