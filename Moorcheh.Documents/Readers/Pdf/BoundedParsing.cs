using System.Text;
using UglyToad.PdfPig;

namespace Moorcheh.Documents.Readers.Pdf;

/// <summary>How a PDF is parsed, with the text that comes of it and the counts that end what does not end by itself.</summary>
internal sealed class BoundedParsing : ParsingOptions
{
    /// <summary>Most glyphs, with those that stand for nothing.</summary>
    public const int MaxGlyphs = 64 << 20;

    /// <summary>Most forms, pieces of content that content shows by name. Forms that show forms grow without a bound.</summary>
    public const int MaxForms = 100_000;

    /// <summary>Most forms inside each other.</summary>
    public const int MaxFormDepth = 64;

    /// <summary>Most graphics states that are saved inside each other. Programs that write PDF stay below some dozens.</summary>
    public const int MaxStates = 10_000;

    private readonly ReadingTime _time;
    private readonly BoundedFilters _filters;
    private int _glyphs;
    private int _forms;
    private int _formDepth;

    public BoundedParsing(ReadingTime time)
    {
        _time = time;
        UseLenientParsing = true;
        SkipMissingFonts = true;
        FilterProvider = _filters = new BoundedFilters(time);
    }

    public StringBuilder Text { get; } = new();

    /// <summary>Takes the glyphs of the page at work.</summary>
    public TextFlow Flow { get; private set; } = null!;

    /// <summary>Begins the text of a page, set apart from that before.</summary>
    public void BeginPage()
    {
        _time.Check();
        while (Text.Length > 0 && char.IsWhiteSpace(Text[^1]))
        {
            Text.Length--;
        }

        if (Text.Length > 0)
        {
            Text.Append("\n\n");
        }

        _filters.BeginPage();
        Flow = new TextFlow(Text);
    }

    public void CountGlyph()
    {
        if (++_glyphs > MaxGlyphs)
        {
            throw new InvalidDataException($"The document shows {_glyphs} glyphs; the limit is {MaxGlyphs}.");
        }

        if (_glyphs % 1024 == 0)
        {
            _time.Check();
        }
    }

    /// <summary>Notes that a form is shown, from the page or another form. Each inside another takes some of the stack.</summary>
    public void EnterForm()
    {
        _time.Check();
        if (++_formDepth > MaxFormDepth)
        {
            throw new InvalidDataException($"The document shows {_formDepth} forms inside each other; the limit is {MaxFormDepth}.");
        }

        if (++_forms > MaxForms)
        {
            throw new InvalidDataException($"The document shows {_forms} forms; the limit is {MaxForms}.");
        }
    }

    public void LeaveForm() => _formDepth--;

    public static void CheckStates(int states)
    {
        if (states >= MaxStates)
        {
            throw new InvalidDataException($"The document saves {states + 1} graphics states inside each other; the limit is {MaxStates}.");
        }
    }
}
