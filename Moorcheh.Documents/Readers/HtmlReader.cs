using System.Buffers;
using System.Text;
using AngleSharp.Html;
using AngleSharp.Html.Parser;
using AngleSharp.Html.Parser.Tokens.Struct;
using AngleSharp.Text;
using Moorcheh.Artifacts;

namespace Moorcheh.Documents;

/// <summary>
/// Reads the text of web pages. Only the tokens are looked at, no tree is built, and attributes are not kept: time and memory are in proportion to the
/// page, however deep its elements are nested and whatever is in its tags.
/// </summary>
public sealed class HtmlReader : IDocumentReader
{
    private const int MaxPageCharacters = 32 << 20;

    // The tokenizer keeps a number for each digit. No character has more than 7; zeros may come before them.
    private const int MaxReferenceDigits = 64;

    // Names of tags are longer than any we know when they have more.
    private const int MaxNameCharacters = 16;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    private static readonly HashSet<string> Paragraphs = new(StringComparer.Ordinal)
    {
        "address", "article", "aside", "blockquote", "body", "dl", "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
        "hr", "main", "nav", "ol", "p", "pre", "section", "table", "title", "ul",
    };

    private static readonly HashSet<string> Lines = new(StringComparer.Ordinal)
    {
        "br", "caption", "dd", "div", "dt", "figcaption", "legend", "li", "option", "tr",
    };

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Suffixes { get; } = [".html", ".htm"];

    /// <inheritdoc/>
    public string Read(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        string page = Decode(content.Span);
        CheckReferences(page);
        using var source = new TextSource(new ReadOnlyMemoryTextSource(page));
        using var tokens = new HtmlTokenizer(source, HtmlEntityProvider.Resolver)
        {
            SkipComments = true,
            SkipScriptText = true,
            SkipRawText = true,
            ShouldEmitAttribute = static (ref _, _) => false,
        };
        var text = new PageText();
        int preformatted = 0;
        string? skipped = null;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ref StructHtmlToken token = ref tokens.GetStructToken();
            string name = token.Name.Length <= MaxNameCharacters && token.Type is HtmlTokenType.StartTag or HtmlTokenType.EndTag ? token.Name.ToString() : "";
            switch (token.Type)
            {
                case HtmlTokenType.EndOfFile:
                    return text.ToString();
                case HtmlTokenType.Character when skipped is null:
                    text.Add(token.Data.Memory.Span, isPreformatted: preformatted > 0);
                    break;
                case HtmlTokenType.StartTag:
                    Open(tokens, name, ref skipped);
                    text.Break(name is "td" or "th" ? '\t' : '\0', Paragraphs.Contains(name) ? 2 : Lines.Contains(name) ? 1 : 0);
                    preformatted += name == "pre" ? 1 : 0;
                    break;
                case HtmlTokenType.EndTag:
                    skipped = name == skipped ? null : skipped;
                    text.Break('\0', Paragraphs.Contains(name) ? 2 : Lines.Contains(name) ? 1 : 0);
                    preformatted -= name == "pre" && preformatted > 0 ? 1 : 0;
                    break;
            }
        }
    }

    /// <summary>What follows some tags is no markup up to their end, and not always text to read.</summary>
    private static void Open(HtmlTokenizer tokens, string name, ref string? skipped)
    {
        switch (name)
        {
            case "script":
                tokens.State = HtmlParseMode.Script;
                skipped ??= name;
                break;
            case "style" or "iframe" or "noembed" or "noframes" or "xmp":
                tokens.State = HtmlParseMode.Rawtext;
                skipped ??= name;
                break;
            case "title" or "textarea":
                tokens.State = HtmlParseMode.RCData;
                break;
            case "template":
                skipped ??= name;
                break;
        }
    }

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

    /// <summary>By byte order mark, else by the encoding the page names near its start, else UTF-8; bytes that do not fit are an error.</summary>
    private static string Decode(ReadOnlySpan<byte> bytes)
    {
        const int NearStart = 1024;
        if (bytes.StartsWith(Encoding.Unicode.Preamble) || bytes.StartsWith(Encoding.BigEndianUnicode.Preamble))
        {
            bool isLittle = bytes[0] == 0xFF;
            return Decode(new UnicodeEncoding(!isLittle, byteOrderMark: false, throwOnInvalidBytes: true), bytes[2..]);
        }

        string start = Encoding.Latin1.GetString(bytes[..Math.Min(bytes.Length, NearStart)]);
        int at = bytes.StartsWith(Encoding.UTF8.Preamble) ? -1 : start.IndexOf("charset=", StringComparison.OrdinalIgnoreCase);
        string named = at < 0 ? "utf-8" : new string([.. start[(at + 8)..].TrimStart('"', '\'', ' ').TakeWhile(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')]);
        bool isUtf8 = named.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || named.Equals("utf8", StringComparison.OrdinalIgnoreCase);
        Encoding encoding = isUtf8
            ? new UTF8Encoding(false, throwOnInvalidBytes: true)
            : CodePagesEncodingProvider.Instance.GetEncoding(named) ?? Encoding.GetEncoding(named);
        return Decode(encoding, bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[3..] : bytes);
    }

    private static string Decode(Encoding encoding, ReadOnlySpan<byte> bytes)
    {
        int characters = encoding.GetCharCount(bytes);
        return characters <= MaxPageCharacters
            ? encoding.GetString(bytes)
            : throw new InvalidDataException($"The page has {characters} characters; the limit is {MaxPageCharacters}.");
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
