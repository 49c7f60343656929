using System.Text;
using Moorcheh.Artifacts;
using Moorcheh.Documents.Readers;
using UglyToad.PdfPig;
using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.DocumentLayoutAnalysis.WordExtractor;
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

    private static readonly NearestNeighbourWordExtractor Words = new(
        new NearestNeighbourWordExtractor.NearestNeighbourWordExtractorOptions { MaxDegreeOfParallelism = 1 });

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
                text.Append(Spell(ReadPage(page)));
            }

            return text.ToString();
        }
        catch (PdfDocumentEncryptedException e)
        {
            throw new InvalidDataException("The document is encrypted and cannot be read without its password.", e);
        }
    }

    /// <summary>Words by the nearest letters, which kerning does not part, in the order of the content; a new line where the next is not beside the one before.</summary>
    private static string ReadPage(Page page)
    {
        var text = new StringBuilder();
        Word? before = null;
        foreach (Word word in page.GetWords(Words).Where(word => !string.IsNullOrWhiteSpace(word.Text)).OrderBy(word => word.Letters.Min(letter => letter.TextSequence)))
        {
            if (before is not null)
            {
                double height = Math.Max(before.Letters[0].PointSize, 1);
                double down = Math.Abs(before.Letters[^1].StartBaseLine.Y - word.Letters[0].StartBaseLine.Y);
                text.Append(down > height * 1.8 ? "\n\n" : down > height / 2 ? "\n" : " ");
            }

            text.Append(word.Text);
            before = word;
        }

        return text.ToString();
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
