using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Xml;
using Moorcheh.Artifacts;
using Moorcheh.Documents.Readers;

namespace Moorcheh.Documents;

/// <summary>
/// Reads the text of Word documents: paragraphs, line breaks, tabs, table cells. Of the package only the main part is read, and what names it: as a
/// stream of nodes, never as a tree, and within bounds, for a small file can stand for any number of bytes.
/// </summary>
public sealed class DocxReader : IDocumentReader
{
    private const int MaxParts = 10_000;
    private const int MaxTextCharacters = 32 << 20;

    private const string RootRelations = "_rels/.rels";
    private const string Relations = "http://schemas.openxmlformats.org/package/2006/relationships";
    private const string MainPart = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument";
    private const string StrictMainPart = "http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument";

    private const string Word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
    private const string StrictWord = "http://purl.oclc.org/ooxml/wordprocessingml/main";
    private const string Alternatives = "http://schemas.openxmlformats.org/markup-compatibility/2006";

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Suffixes { get; } = [".docx"];

    /// <inheritdoc/>
    public string Read(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        CheckParts(content.Span);
        ArraySegment<byte> bytes = MemoryMarshal.TryGetArray(content, out ArraySegment<byte> array) ? array : content.ToArray();
        using var file = new MemoryStream(bytes.Array!, bytes.Offset, bytes.Count, writable: false);
        using var archive = new ZipArchive(file, ZipArchiveMode.Read);
        string name = FindMainPart(archive);
        using BoundedXml part = Open(archive, name) ?? throw new InvalidDataException($"The document has no part '{name}', which is to be its main part.");
        return ReadText(part, cancellationToken);
    }

    /// <summary>The archive makes an object of each of its entries, so those are counted before: every one has this mark.</summary>
    private static void CheckParts(ReadOnlySpan<byte> content)
    {
        int parts = content.Count("PK\u0001\u0002"u8);
        if (parts > MaxParts)
        {
            throw new InvalidDataException($"The document has {parts} parts; the limit is {MaxParts}.");
        }
    }

    /// <summary>The name of the part that the package's own relations call its document.</summary>
    private static string FindMainPart(ZipArchive archive)
    {
        using BoundedXml relations = Open(archive, RootRelations) ?? throw new InvalidDataException($"The document has no part '{RootRelations}'.");
        while (relations.Read())
        {
            if (relations.Node is { NodeType: XmlNodeType.Element, LocalName: "Relationship", NamespaceURI: Relations } node
                && node.GetAttribute("Type") is MainPart or StrictMainPart
                && node.GetAttribute("Target") is { } target)
            {
                var root = new Uri("package:///");
                return Uri.UnescapeDataString(new Uri(root, target).AbsolutePath).TrimStart('/');
            }
        }

        throw new InvalidDataException("The document has no main part.");
    }

    /// <summary>Opens a part; names are the same whatever their case. It gives no more bytes than the length in the archive.</summary>
    private static BoundedXml? Open(ZipArchive archive, string name) =>
        archive.Entries.FirstOrDefault(entry => entry.FullName.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } found ? new BoundedXml(found.Open()) : null;

    private static string ReadText(BoundedXml part, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        int cells = 0;
        bool isText = false;
        XmlReader node = part.Node;
        while (part.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            bool isWord = node.NamespaceURI is Word or StrictWord;
            switch (node.NodeType)
            {
                // Properties, such as where tabs stop, are no text; a fallback is the same text once more, for programs that do not know the first.
                case XmlNodeType.Element when (isWord && node.LocalName.EndsWith("Pr", StringComparison.Ordinal)) || node is { NamespaceURI: Alternatives, LocalName: "Fallback" }:
                    part.SkipContent();
                    break;
                case XmlNodeType.Element when isWord:
                    isText = node is { LocalName: "t", IsEmptyElement: false };
                    cells += node is { LocalName: "tc", IsEmptyElement: false } ? 1 : 0;
                    text.Append(node.LocalName switch { "tab" => "\t", "br" or "cr" => "\n", "noBreakHyphen" => "-", _ => "" });
                    break;
                case XmlNodeType.EndElement when isWord:
                    isText = false;
                    cells -= node.LocalName == "tc" ? 1 : 0;
                    text.Append(node.LocalName switch { "p" => cells > 0 ? " " : "\n\n", "tc" => "\t", "tr" => "\n", "tbl" => "\n", _ => "" });
                    break;
                case XmlNodeType.Text or XmlNodeType.SignificantWhitespace or XmlNodeType.Whitespace or XmlNodeType.CDATA when isText:
                    part.AppendText(text, MaxTextCharacters);
                    break;
            }

            if (text.Length > MaxTextCharacters)
            {
                throw new InvalidDataException($"The document has {text.Length} characters of text or more; the limit is {MaxTextCharacters}.");
            }
        }

        return text.ToString();
    }
}
