using System.Text;
using UglyToad.PdfPig.Core;

namespace Moorcheh.Documents.Readers.Pdf;

/// <summary>
/// Joins the glyphs of a page to text, in the order in which the page shows them. A PDF knows places, not words: a gap in a line is a blank, another
/// line a line end, a greater step a paragraph. Distances count in sizes of the glyphs, along and across the direction of writing.
/// </summary>
internal sealed class TextFlow(StringBuilder text)
{
    // Gaps between words are 0.2 and more, also in justified lines; kerning stays below 0.1.
    private const double WordGap = 0.15;

    // Where a blank is shown the gap may be narrow. Some writers show blanks inside words too, and step back over them.
    private const double BlankGap = 0.02;

    // Raised and lowered letters stay below.
    private const double LineStep = 0.6;

    private const double ParagraphStep = 2.2;

    private PdfPoint _end;
    private double _size;
    private bool _isFirst = true;
    private bool _isHyphenated;
    private bool _hasBlank;

    /// <summary>Adds a glyph.</summary>
    /// <param name="unicode">What it stands for; may be several characters, as of a ligature.</param>
    /// <param name="start">Where it begins on its base line.</param>
    /// <param name="end">Where the next one would begin.</param>
    /// <param name="size">Its height.</param>
    public void Add(string unicode, PdfPoint start, PdfPoint end, double size)
    {
        if (unicode is " " or "\u00A0")
        {
            _hasBlank = true;
            if (start != end)
            {
                return;
            }
        }

        if (!_isFirst)
        {
            Separate(start, end, Math.Max(size, _size));
        }

        (_isFirst, _end, _size, _hasBlank) = (false, end, size, false);
        if (_isHyphenated && unicode.Length > 0)
        {
            JoinWord(unicode[0]);
        }

        foreach (char character in unicode)
        {
            Append(character);
        }

        if (text.Length > BoundedText.MaxCharacters)
        {
            throw new InvalidDataException($"The document has {text.Length} characters of text or more; the limit is {BoundedText.MaxCharacters}.");
        }
    }

    private void Separate(PdfPoint start, PdfPoint end, double size)
    {
        double length = Math.Sqrt(Square(end.X - start.X) + Square(end.Y - start.Y));
        (double x, double y) = length > 0 ? ((end.X - start.X) / length, (end.Y - start.Y) / length) : (1, 0);
        double along = ((start.X - _end.X) * x) + ((start.Y - _end.Y) * y);
        double across = Math.Abs(((start.Y - _end.Y) * x) - ((start.X - _end.X) * y));
        if (across > ParagraphStep * size)
        {
            Break("\n\n");
        }
        else if (across > LineStep * size)
        {
            Break("\n");
        }
        else if ((along > (_hasBlank ? BlankGap : WordGap) * size || along < -size) && text.Length > 0 && !char.IsWhiteSpace(text[^1]))
        {
            text.Append(' ');
        }
    }

    private void Break(string end)
    {
        while (text.Length > 0 && text[^1] == ' ')
        {
            text.Length--;
        }

        if (text.Length > 0 && text[^1] != '\n')
        {
            _isHyphenated = text.Length > 1 && text[^1] is '-' or '\u00AD' or '\u2010' && char.IsLetter(text[^2]);
            text.Append(end);
        }
    }

    /// <summary>A word that was divided at the end of a line goes on in the same case; as a whole it can be found.</summary>
    private void JoinWord(char next)
    {
        _isHyphenated = false;
        int hyphen = text.Length - 1;
        while (text[hyphen] == '\n')
        {
            hyphen--;
        }

        if (char.IsLower(next) || (char.IsUpper(next) && char.IsUpper(text[hyphen - 1])))
        {
            text.Length = hyphen;
        }
    }

    private void Append(char character)
    {
        switch (character)
        {
            // Ligatures, which nobody types when looking for a word.
            case >= '\uFB00' and <= '\uFB06':
                text.Append(character switch { '\uFB00' => "ff", '\uFB01' => "fi", '\uFB02' => "fl", '\uFB03' => "ffi", '\uFB04' => "ffl", _ => "st" });
                break;
            case ' ' or '\u00A0' when text.Length == 0 || char.IsWhiteSpace(text[^1]):
            case '\0':
                break;
            default:
                text.Append(char.IsControl(character) ? ' ' : character);
                break;
        }
    }

    private static double Square(double value) => value * value;
}
