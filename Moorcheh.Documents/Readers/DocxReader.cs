using System.Text;
using Moorcheh.Artifacts;
using Moorcheh.Documents.Readers;

namespace Moorcheh.Documents;

/// <summary>
/// Reads the text of Word documents: paragraphs, line breaks, tabs, table cells, text boxes, equations and symbols of the main part, then footnotes, endnotes, comments,
/// headers and footers. Each part is read as a stream of nodes, never as a tree, and within bounds, for a small file can stand for any number of bytes.
/// Relations are asked only for the main part and for documents inside the document, so damaged ones lose nothing else. Safe for several threads at once.
/// </summary>
public sealed class DocxReader : IDocumentReader
{
    private const int MaxChunkBytes = 16 << 20;
    private const int MaxChunks = 100;

    private static readonly string[] Notes = ["footnotes", "endnotes", "comments", "header", "footer"];

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Suffixes { get; } = [".docx"];

    /// <inheritdoc/>
    public string Read(ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Read(content, isInside: false, new ReadingTime(cancellationToken), cancellationToken);

    private static string Read(ReadOnlyMemory<byte> content, bool isInside, ReadingTime time, CancellationToken cancellationToken)
    {
        using var package = new OfficePackage(content);
        string main = package.FindMainPart("word/document.xml");
        var text = new BoundedText();
        int chunks = 0;
        ReadPart(main);
        foreach (string name in NotesOf(package, OfficePackage.FolderOf(main)))
        {
            ReadPart(name);
        }

        return text.ToString();

        void ReadPart(string name)
        {
            using BoundedXml part = package.OpenXml(name)!;
            new WordText(part, text, id => ReadChunk(name, id)).Read(time);
        }

        // Another document in the place of a paragraph.
        void ReadChunk(string part, string id)
        {
            string? name = package.ReadRelations(part).Where(relation => relation.Id == id).Select(relation => relation.Target).FirstOrDefault();
            if (++chunks > MaxChunks)
            {
                throw new InvalidDataException($"The document has {chunks} documents inside; the limit is {MaxChunks}.");
            }

            text.EndWord("\n\n");
            if (name is not null && package.Has(name))
            {
                text.Append(ReadInside(name, package.ReadBytes(name, MaxChunkBytes), isInside, time, cancellationToken));
                text.EndWord("\n\n");
            }
        }
    }

    /// <summary>The text of a document inside; what cannot be read is named.</summary>
    private static string ReadInside(string name, byte[] content, bool isInside, ReadingTime time, CancellationToken cancellationToken) =>
        Path.GetExtension(name).ToLowerInvariant() switch
        {
            ".html" or ".htm" or ".xhtml" => new HtmlReader().Read(content, cancellationToken),
            ".txt" => Encoding.UTF8.GetString(content),
            ".docx" or ".dat" when !isInside => Read(content, isInside: true, time, cancellationToken),
            _ => $"[{Path.GetFileName(name)}]",
        };

    private static IEnumerable<string> NotesOf(OfficePackage package, string folder) =>
        from note in Notes
        from name in package.Names.Order(StringComparer.OrdinalIgnoreCase)
        where name.StartsWith(folder + note, StringComparison.OrdinalIgnoreCase) && name.EndsWith(".xml", StringComparison.OrdinalIgnoreCase)
        where name.AsSpan((folder + note).Length..^".xml".Length).IndexOfAnyExceptInRange('0', '9') < 0
        select name;
}
