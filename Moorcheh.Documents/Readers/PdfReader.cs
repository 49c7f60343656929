using Moorcheh.Artifacts;
using Moorcheh.Documents.Readers;
using UglyToad.PdfPig;
using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.DocumentLayoutAnalysis.TextExtractor;
using UglyToad.PdfPig.Exceptions;

namespace Moorcheh.Documents;

/// <summary>
/// Reads the text of PDF files, a page after the other, in the order of their content with words parted by layout. Pictures of text are not read. One that needs a
/// password is refused. Safe for several threads at once.
/// </summary>
public sealed class PdfReader : IDocumentReader
{
    private const int MaxPages = 10_000;
    private const int MaxDepth = 64;

    private static readonly string[] Ligatures = ["ff", "fi", "fl", "ffi", "ffl", "st", "st"];

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Suffixes { get; } = [".pdf"];

    /// <inheritdoc/>
    public string Read(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var time = new ReadingTime(cancellationToken);
        var options = new ParsingOptions { UseLenientParsing = true, SkipMissingFonts = true, MaxStackDepth = MaxDepth, FilterProvider = new BoundedFilters(time) };
        try
        {
            using PdfDocument document = PdfDocument.Open(content, options);
            if (document.NumberOfPages > MaxPages)
            {
                throw new InvalidDataException($"The document has {document.NumberOfPages} pages; the limit is {MaxPages}.");
            }

            var text = new BoundedText();
            for (int number = 1; number <= document.NumberOfPages; number++)
            {
                time.Check();
                Page page = document.GetPage(number);
                text.EndWord("\n\n");
                text.Append(Spell(ContentOrderTextExtractor.GetText(page, addDoubleNewline: true)));
            }

            return text.ToString();
        }
        catch (PdfDocumentEncryptedException e)
        {
            throw new InvalidDataException("The document is encrypted and cannot be read without its password.", e);
        }
    }

    /// <summary>Ligatures as the letters that they are, or nobody would find the word.</summary>
    private static string Spell(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\uFB00', '\uFB06') < 0)
        {
            return text;
        }

        for (int i = 0; i < Ligatures.Length; i++)
        {
            text = text.Replace(((char)(0xFB00 + i)).ToString(), Ligatures[i], StringComparison.Ordinal);
        }

        return text;
    }
}
