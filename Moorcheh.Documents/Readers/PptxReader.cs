using System.Xml;
using Moorcheh.Artifacts;
using Moorcheh.Documents.Readers;

namespace Moorcheh.Documents;

/// <summary>
/// Reads the text of presentations: slides in their order, each with its tables, diagrams and charts, then its notes. Parts are read as streams of nodes, never as trees, and
/// within bounds. Safe for several threads at once.
/// </summary>
public sealed class PptxReader : IDocumentReader
{
    private const int MaxPartsRead = 20_000;

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Suffixes { get; } = [".pptx"];

    /// <inheritdoc/>
    public string Read(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        using var package = new OfficePackage(content);
        string main = package.FindMainPart("ppt/presentation.xml");
        var text = new BoundedText();
        var time = new ReadingTime(cancellationToken);
        var read = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (string slide in SlidesOf(package, main, time))
        {
            ReadPart(slide);
            foreach (OfficeRelation related in package.ReadRelations(slide).Where(related => related.Type is "chart" or "diagramData").ToList())
            {
                ReadPart(related.Target);
            }

            foreach (OfficeRelation notes in package.ReadRelations(slide).Where(related => related.Type == "notesSlide").ToList())
            {
                ReadPart(notes.Target);
            }
        }

        return text.ToString();

        void ReadPart(string name)
        {
            if (read.Count < MaxPartsRead && read.Add(name) && package.OpenXml(name) is { } part)
            {
                using (part)
                {
                    ReadText(part, text, time);
                }
            }
        }
    }

    /// <summary>The slides in the order of the presentation; those it does not name, or all where its relations cannot be read, by their names.</summary>
    private static List<string> SlidesOf(OfficePackage package, string main, ReadingTime time)
    {
        Dictionary<string, string> targets = new(StringComparer.Ordinal);
        foreach (OfficeRelation relation in package.ReadRelations(main).Where(relation => relation.Type == "slide"))
        {
            targets.TryAdd(relation.Id, relation.Target);
        }

        List<string> slides = [];
        using (BoundedXml part = package.OpenXml(main)!)
        {
            while (part.Read())
            {
                time.Check();
                if (part.Node is { NodeType: XmlNodeType.Element, LocalName: "sldId" } node && IdOf(node) is { } id && targets.TryGetValue(id, out string? target)
                    && slides.Count < OfficePackage.MaxParts)
                {
                    slides.Add(target);
                }
            }
        }

        return slides.Count > 0 ? slides
            : [.. package.Names.Where(name => name.StartsWith("ppt/slides/slide", StringComparison.OrdinalIgnoreCase) && name.EndsWith(".xml", StringComparison.OrdinalIgnoreCase))
                .OrderBy(name => name.Length).ThenBy(name => name, StringComparer.OrdinalIgnoreCase)];
    }

    private static string? IdOf(XmlReader node) =>
        node.GetAttribute("id", "http://schemas.openxmlformats.org/officeDocument/2006/relationships")
        ?? node.GetAttribute("id", "http://purl.oclc.org/ooxml/officeDocument/relationships");

    /// <summary>The text of runs and equations, and the cached words and values of charts.</summary>
    private static void ReadText(BoundedXml part, BoundedText text, ReadingTime time)
    {
        XmlReader node = part.Node;
        bool isText = false;
        bool isChart = false;
        int cells = 0;
        while (part.Read())
        {
            time.Check();
            switch (node.NodeType)
            {
                case XmlNodeType.Element when node.LocalName == "Fallback" || node.LocalName.EndsWith("Pr", StringComparison.Ordinal)
                    || (node.LocalName == "fld" && node.GetAttribute("type") == "slidenum"):
                    part.SkipContent();
                    break;
                case XmlNodeType.Element:
                    isChart |= node.LocalName == "chartSpace";
                    isText = node is { LocalName: "t", IsEmptyElement: false } || (isChart && node is { LocalName: "v", IsEmptyElement: false });
                    cells += node is { LocalName: "tc", IsEmptyElement: false } ? 1 : 0;
                    text.Append(node.LocalName switch { "br" => "\n", "tab" => "\t", _ => "" });
                    break;
                case XmlNodeType.EndElement:
                    isText = false;
                    cells -= node.LocalName == "tc" ? 1 : 0;
                    End(text, node.LocalName, cells > 0, isChart);
                    break;
                case XmlNodeType.Text or XmlNodeType.SignificantWhitespace or XmlNodeType.Whitespace or XmlNodeType.CDATA when isText:
                    text.Append(part);
                    break;
            }
        }

        text.EndWord("\n\n");
    }

    private static void End(BoundedText text, string name, bool isInCell, bool isChart)
    {
        switch (name)
        {
            case "p":
                text.EndWord(isInCell ? " " : "\n");
                break;
            case "tc":
                text.Append("\t");
                break;
            case "tr" or "txBody":
                text.Append("\n");
                break;
            case "v" when isChart:
                text.EndWord("\t");
                break;
            case "ser" or "cat" or "val":
                text.EndWord("\n");
                break;
        }
    }
}
