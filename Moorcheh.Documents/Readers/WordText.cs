using System.Xml;

namespace Moorcheh.Documents.Readers;

/// <summary>Reads the text of a part of a Word document as a stream of nodes, never as a tree.</summary>
internal sealed class WordText(BoundedXml part, BoundedText text, Action<string> readChunk)
{
    private const string Word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
    private const string StrictWord = "http://purl.oclc.org/ooxml/wordprocessingml/main";
    private const string Formula = "http://schemas.openxmlformats.org/officeDocument/2006/math";
    private const string StrictFormula = "http://purl.oclc.org/ooxml/officeDocument/math";
    private const string Drawing = "http://schemas.openxmlformats.org/drawingml/2006/main";
    private const string StrictDrawing = "http://purl.oclc.org/ooxml/drawingml/main";
    private const string Alternatives = "http://schemas.openxmlformats.org/markup-compatibility/2006";

    private int _cells;
    private bool _isText;

    public void Read(ReadingTime time)
    {
        XmlReader node = part.Node;
        while (part.Read())
        {
            time.Check();
            switch (node.NodeType)
            {
                case XmlNodeType.Element when IsNoText(node):
                    part.SkipContent();
                    break;
                case XmlNodeType.Element:
                    Open(node);
                    break;
                case XmlNodeType.EndElement:
                    Close(node);
                    break;
                case XmlNodeType.Text or XmlNodeType.SignificantWhitespace or XmlNodeType.Whitespace or XmlNodeType.CDATA when _isText:
                    text.Append(part);
                    break;
            }
        }
    }

    private static bool IsWord(XmlReader node) => node.NamespaceURI is Word or StrictWord;

    /// <summary>
    /// Properties, such as where tabs stop, are no text; text that was moved away is at its new place; a fallback is the same text once more, for programs that
    /// do not know the first.
    /// </summary>
    private static bool IsNoText(XmlReader node) =>
        IsWord(node) ? node.LocalName == "moveFrom" || node.LocalName.EndsWith("Pr", StringComparison.Ordinal)
        : node.NamespaceURI is Formula or StrictFormula ? node.LocalName.EndsWith("Pr", StringComparison.Ordinal)
        : node is { NamespaceURI: Alternatives, LocalName: "Fallback" };

    private void Open(XmlReader node)
    {
        _isText = node is { LocalName: "t", IsEmptyElement: false, NamespaceURI: Word or StrictWord or Formula or StrictFormula or Drawing or StrictDrawing };
        if (!IsWord(node))
        {
            return;
        }

        switch (node.LocalName)
        {
            case "tc" when !node.IsEmptyElement:
                _cells++;
                break;
            case "txbxContent":
                text.EndWord(_cells > 0 ? " " : "\n\n");
                break;
            case "tab" or "ptab":
                text.Append("\t");
                break;
            case "br" or "cr":
                text.Append("\n");
                break;
            case "noBreakHyphen":
                text.Append("-");
                break;
            case "sym":
                text.Append(SymbolFont.Read(Attribute(node, "font"), Attribute(node, "char")));
                break;
            case "altChunk":
                readChunk(IdOf(node));
                break;
        }
    }

    private void Close(XmlReader node)
    {
        _isText = false;
        if (IsWord(node))
        {
            _cells -= node.LocalName == "tc" ? 1 : 0;
            text.Append(node.LocalName switch { "p" => _cells > 0 ? " " : "\n\n", "tc" => "\t", "tr" => "\n", "tbl" => "\n", _ => "" });
        }
        else if (node is { LocalName: "p", NamespaceURI: Drawing or StrictDrawing })
        {
            text.EndWord(" ");
        }
    }

    private static string? Attribute(XmlReader node, string name) => node.GetAttribute(name, node.NamespaceURI) ?? node.GetAttribute(name);

    private static string IdOf(XmlReader node) =>
        node.GetAttribute("id", "http://schemas.openxmlformats.org/officeDocument/2006/relationships")
        ?? node.GetAttribute("id", "http://purl.oclc.org/ooxml/officeDocument/relationships") ?? "";
}
