namespace Moorcheh.Documents.Readers;

/// <summary>
/// Finds the end of a part of a page that is not shown: scripts and styles, templates, what is <c>hidden</c>. It ends with its end tag, with a tag that ends
/// it by itself, such as the next item of a list, or with the end of an element around it.
/// </summary>
internal sealed class UnseenPart
{
    // What is deeper is not nested any further, so that a page cannot take memory for it.
    private const int MaxDepth = 512;

    private static readonly HashSet<string> Empty = new(StringComparer.Ordinal)
    {
        "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "image", "img", "input", "keygen", "link", "meta", "param", "source", "track", "wbr",
    };

    private static readonly HashSet<string> EndParagraph = new(StringComparer.Ordinal)
    {
        "address", "article", "aside", "blockquote", "center", "details", "dialog", "dir", "div", "dl", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2",
        "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "li", "listing", "main", "menu", "nav", "ol", "p", "plaintext", "pre", "search", "section", "summary",
        "table", "ul", "xmp", "dd", "dt",
    };

    private readonly Dictionary<string, int> _around = new(StringComparer.Ordinal);
    private readonly List<string> _inside = [];
    private int _deeper;

    /// <summary>True within such a part.</summary>
    public bool IsOpen => _inside.Count > 0;

    /// <summary>Takes a start tag.</summary>
    public void Open(string name, bool isUnseen, bool isClosed)
    {
        if (IsOpen && _deeper == 0 && Ends(name, _inside[^1]))
        {
            _inside.RemoveAt(_inside.Count - 1);
        }

        if (isClosed || Empty.Contains(name))
        {
            return;
        }

        if (!IsOpen && !isUnseen)
        {
            if (name.Length > 0 && (_around.Count < MaxDepth || _around.ContainsKey(name)))
            {
                _around[name] = _around.GetValueOrDefault(name) + 1;
            }
        }
        else if (_inside.Count == MaxDepth)
        {
            _deeper++;
        }
        else
        {
            _inside.Add(name);
        }
    }

    /// <summary>Takes an end tag.</summary>
    public void Close(string name)
    {
        if (_deeper > 0)
        {
            _deeper--;
            return;
        }

        int at = _inside.LastIndexOf(name);
        if (at >= 0)
        {
            _inside.RemoveRange(at, _inside.Count - at);
        }
        else if (_around.TryGetValue(name, out int open) && open > 0)
        {
            _around[name] = open - 1;
            if (_inside is [not ("script" or "style" or "template" or "iframe" or "noframes" or "noembed"), ..])
            {
                _inside.Clear();
            }
        }
    }

    private static bool Ends(string name, string open) => open switch
    {
        "p" => EndParagraph.Contains(name),
        "li" => name == "li",
        "dd" or "dt" => name is "dd" or "dt",
        "option" => name is "option" or "optgroup",
        "optgroup" => name == "optgroup",
        "td" or "th" => name is "td" or "th" or "tr" or "tbody" or "tfoot",
        "tr" => name is "tr" or "tbody" or "tfoot",
        "thead" or "tbody" => name is "tbody" or "tfoot",
        _ => false,
    };
}
