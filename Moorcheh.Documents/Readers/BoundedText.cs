using System.Text;

namespace Moorcheh.Documents.Readers;

/// <summary>The text of a document while it is read, with a bound.</summary>
internal sealed class BoundedText
{
    /// <summary>Most characters of text in a document.</summary>
    public const int MaxCharacters = 32 << 20;

    private readonly StringBuilder _text = new();

    /// <summary>Appends what was read of a node.</summary>
    public void Append(BoundedXml part)
    {
        part.AppendText(_text, MaxCharacters);
    }

    public void Append(ReadOnlySpan<char> text)
    {
        int length = _text.Length + text.Length;
        _ = length <= MaxCharacters ? _text.Append(text)
            : throw new InvalidDataException($"The document has {length} characters of text or more; the limit is {MaxCharacters}.");
    }

    /// <summary>Ends the word before, unless a blank did.</summary>
    public void EndWord(string blank)
    {
        if (_text.Length > 0 && !char.IsWhiteSpace(_text[^1]))
        {
            Append(blank);
        }
    }

    public override string ToString() => _text.ToString();
}
