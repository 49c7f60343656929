using System.Buffers;
using System.Text;
using AngleSharp.Html.Parser;
using AngleSharp.Html.Parser.Tokens.Struct;
using Moorcheh.Artifacts;
using Moorcheh.Documents.Readers;

namespace Moorcheh.Documents;

/// <summary>
/// Reads the text of web pages as it is shown: without scripts, styles, templates and what is <c>hidden</c> (unless <c>until-found</c>). The encoding is decided by
/// the rules of the web. Only the tokens are looked at, no tree is built, and attributes are not kept: time and memory are in proportion to the page, however
/// deep its elements are nested and whatever is in its tags.
/// </summary>
public sealed class HtmlReader : IDocumentReader
{
    // The tokenizer keeps a number for each digit. No character has more than 7; zeros may come before them.
    private const int MaxReferenceDigits = 64;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    private static readonly HashSet<string> Paragraphs = new(StringComparer.Ordinal)
    {
        "address", "article", "aside", "blockquote", "body", "center", "details", "dialog", "dir", "dl", "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
        "header", "hgroup", "hr", "listing", "main", "marquee", "menu", "nav", "ol", "p", "plaintext", "pre", "search", "section", "table", "title", "ul", "xmp",
    };

    private static readonly HashSet<string> Lines = new(StringComparer.Ordinal)
    {
        "br", "caption", "dd", "div", "dt", "figcaption", "legend", "li", "optgroup", "option", "summary", "tr", "tbody", "thead", "tfoot", "text", "desc", "foreignobject", "mtr",
    };

    /// <summary>What stands in a line and ends a word.</summary>
    private static readonly HashSet<string> Apart = new(StringComparer.Ordinal)
    {
        "audio", "button", "canvas", "iframe", "input", "meter", "object", "progress", "rt", "select", "svg", "textarea", "video",
    };

    private static readonly HashSet<string> Preformatted = new(StringComparer.Ordinal) { "listing", "plaintext", "pre", "textarea", "xmp" };

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Suffixes { get; } = [".html", ".htm"];

    /// <inheritdoc/>
    public string Read(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        string page = PageEncoding.Decode(content.Span, cancellationToken);
        CheckReferences(page);
        using var tokens = new PageTokens(page);
        var text = new PageText();
        var unseen = new UnseenPart();
        int preformatted = 0;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ref StructHtmlToken token = ref tokens.Read();
            string name = tokens.Name;
            switch (token.Type)
            {
                case HtmlTokenType.EndOfFile:
                    return text.ToString();
                case HtmlTokenType.Character when !unseen.IsOpen:
                    text.Add(token.Data.Memory.Span, isPreformatted: preformatted > 0);
                    break;
                case HtmlTokenType.StartTag:
                    unseen.Open(name, IsUnseen(ref token, name, tokens.IsForeign), isClosed: tokens.IsForeign && token.IsSelfClosing);
                    text.Break(Blank(name), Breaks(name));
                    preformatted += Preformatted.Contains(name) ? 1 : 0;
                    break;
                case HtmlTokenType.EndTag:
                    unseen.Close(name);
                    text.Break(name is "td" or "th" ? '\0' : Blank(name), Breaks(name));
                    preformatted -= Preformatted.Contains(name) && preformatted > 0 ? 1 : 0;
                    break;
            }
        }
    }

    private static bool IsUnseen(ref StructHtmlToken token, string name, bool isForeign)
    {
        if (name is "script" or "style" or "template" or "iframe" or "noembed" or "noframes" || (isForeign && name is "annotation" or "annotation-xml" or "metadata"))
        {
            return true;
        }

        for (int i = 0; i < token.Attributes.Count; i++)
        {
            if (token.Attributes[i].Name == "hidden")
            {
                // Text that a search in the page is to find.
                return !isForeign && !token.Attributes[i].Value.ToString().Equals("until-found", StringComparison.OrdinalIgnoreCase);
            }
        }

        return false;
    }

    private static int Breaks(string name) => Paragraphs.Contains(name) ? 2 : Lines.Contains(name) ? 1 : 0;

    private static char Blank(string name) => name is "td" or "th" or "mtd" ? '\t' : Apart.Contains(name) ? ' ' : '\0';

    private static void CheckReferences(ReadOnlySpan<char> page)
    {
        while (page.IndexOf("&#", StringComparison.Ordinal) is >= 0 and var at)
        {
            page = page[(at + 2)..];
            bool isHex = page is ['x' or 'X', ..];
            int digits = isHex ? page[1..].IndexOfAnyExcept(HexDigits) : page.IndexOfAnyExceptInRange('0', '9');
            digits = digits < 0 ? page.Length : digits;
            if (digits > MaxReferenceDigits)
            {
                throw new InvalidDataException($"A character reference of the page has {digits} digits; the limit is {MaxReferenceDigits}.");
            }
        }
    }

    /// <summary>Text as it is shown: runs of blanks are one, and breaks come between words only.</summary>
    private sealed class PageText
    {
        private readonly StringBuilder _text = new();
        private int _lines;
        private char _blank;

        public void Add(ReadOnlySpan<char> text, bool isPreformatted)
        {
            foreach (char c in text)
            {
                if (!isPreformatted && (c is ' ' or '\t' or '\r' or '\n' or '\f'))
                {
                    _blank = _blank == '\0' ? ' ' : _blank;
                    continue;
                }

                if (_text.Length > 0)
                {
                    _text.Append('\n', _lines);
                    if (_lines == 0 && _blank != '\0')
                    {
                        _text.Append(_blank);
                    }
                }

                (_lines, _blank) = (0, '\0');
                _text.Append(c);
            }
        }

        public void Break(char blank, int lines)
        {
            _lines = Math.Max(_lines, lines);
            _blank = blank == '\0' ? _blank : blank;
        }

        public override string ToString() => _text.ToString();
    }
}
