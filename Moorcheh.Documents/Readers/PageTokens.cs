using AngleSharp.Html;
using AngleSharp.Html.Parser;
using AngleSharp.Html.Parser.Tokens.Struct;
using AngleSharp.Text;

namespace Moorcheh.Documents.Readers;

/// <summary>
/// The tokens of a page, with what the tokenizer has to be told of the tree, as far as that matters to the text: which tags make what follows them no markup, and
/// whether it is in svg or math, where those tags do not.
/// </summary>
internal sealed class PageTokens : IDisposable
{
    // Names of tags are longer than any we know when they have more.
    private const int MaxNameCharacters = 16;

    // As in browsers: what is deeper is not nested any further.
    private const int MaxDepth = 512;

    private static readonly HashSet<string> Breakouts = new(StringComparer.Ordinal)
    {
        "b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "embed", "h1", "h2", "h3", "h4", "h5", "h6", "head", "hr", "i", "img", "li",
        "listing", "menu", "meta", "nobr", "ol", "p", "pre", "ruby", "s", "small", "span", "strong", "strike", "sub", "sup", "table", "tt", "u", "ul", "var",
    };

    private static readonly HashSet<string> Integrations = new(StringComparer.Ordinal) { "foreignobject", "desc", "title", "mi", "mo", "mn", "ms", "mtext" };

    private readonly TextSource _source;
    private readonly HtmlTokenizer _tokens;
    private readonly List<string> _foreign = [];
    private int _deeper;

    public PageTokens(string page)
    {
        _source = new TextSource(new ReadOnlyMemoryTextSource(page));
        _tokens = new HtmlTokenizer(_source, HtmlEntityProvider.Resolver)
        {
            SkipComments = true,
            SkipScriptText = true,
            ShouldEmitAttribute = IsNeeded,
        };
    }

    /// <summary>Name of the tag that was read in lower case; empty when it is none, or longer than all that matter.</summary>
    public string Name { get; private set; } = "";

    /// <summary>True when the tag that was read belongs to svg or math.</summary>
    public bool IsForeign { get; private set; }

    private bool IsInForeign => _foreign.Count > 0 && !Integrations.Contains(_foreign[^1]);

    public ref StructHtmlToken Read()
    {
        _tokens.IsAcceptingCharacterData = IsInForeign;
        ref StructHtmlToken token = ref _tokens.GetStructToken();
        bool isTag = token.Type is HtmlTokenType.StartTag or HtmlTokenType.EndTag;
        Name = isTag && token.Name.Length <= MaxNameCharacters ? token.Name.ToString().ToLowerInvariant() : "";
        IsForeign = false;
        if (token.Type == HtmlTokenType.StartTag)
        {
            Open(ref token);
        }
        else if (token.Type == HtmlTokenType.EndTag && _foreign.Count > 0)
        {
            Close();
        }

        return ref token;
    }

    public void Dispose()
    {
        _tokens.Dispose();
        _source.Dispose();
    }

    /// <summary>Attributes are kept only where they matter, and once.</summary>
    private static bool IsNeeded(ref StructHtmlToken token, ReadOnlyMemory<char> name)
    {
        if (!name.Span.Equals("hidden", StringComparison.OrdinalIgnoreCase)
            && !(token.Name == "meta" && name.Span is "charset" or "content" or "http-equiv")
            && !(token.Name == "font" && name.Span is "color" or "face" or "size"))
        {
            return false;
        }

        for (int i = 0; i < token.Attributes.Count; i++)
        {
            if (token.Attributes[i].Name == name.Span)
            {
                return false;
            }
        }

        return true;
    }

    private void Open(ref StructHtmlToken token)
    {
        if (IsInForeign && (Breakouts.Contains(Name) || (Name == "font" && token.Attributes.Count > 0)))
        {
            Leave();
        }

        if (IsInForeign || Name is "svg" or "math")
        {
            IsForeign = true;
            if (token.IsSelfClosing)
            {
                return;
            }

            if (_foreign.Count == MaxDepth)
            {
                _deeper++;
            }
            else
            {
                _foreign.Add(Name);
            }

            return;
        }

        _tokens.State = Name switch
        {
            "script" => HtmlParseMode.Script,
            "style" or "iframe" or "noembed" or "noframes" or "xmp" => HtmlParseMode.Rawtext,
            "title" or "textarea" => HtmlParseMode.RCData,
            "plaintext" => HtmlParseMode.Plaintext,
            _ => _tokens.State,
        };
    }

    private void Close()
    {
        if (IsInForeign && Name is "br" or "p")
        {
            Leave();
            return;
        }

        IsForeign = IsInForeign;
        if (_deeper > 0)
        {
            _deeper--;
            return;
        }

        int at = _foreign.LastIndexOf(Name);
        if (at >= 0)
        {
            IsForeign = true;
            _foreign.RemoveRange(at, _foreign.Count - at);
        }
    }

    /// <summary>Markup of pages in svg or math ends it.</summary>
    private void Leave()
    {
        _deeper = 0;
        while (IsInForeign)
        {
            _foreign.RemoveAt(_foreign.Count - 1);
        }
    }
}
