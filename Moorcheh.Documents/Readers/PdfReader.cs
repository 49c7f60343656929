using Moorcheh.Artifacts;
using Moorcheh.Documents.Readers;
using Moorcheh.Documents.Readers.Pdf;
using UglyToad.PdfPig;
using UglyToad.PdfPig.Exceptions;

namespace Moorcheh.Documents;

/// <summary>
/// Reads the text of PDF files in the order in which their pages show it, pages set apart by an empty line. Pictures of text are not read. A file that
/// opens without a password is read; one that asks for it is refused.
/// </summary>
public sealed class PdfReader : IDocumentReader
{
    private const int MaxPages = 20_000;

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Suffixes { get; } = [".pdf"];

    /// <inheritdoc/>
    public string Read(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var parsing = new BoundedParsing(new ReadingTime(cancellationToken));
        using PdfDocument document = Open(content, parsing);
        if (document.NumberOfPages > MaxPages)
        {
            throw new InvalidDataException($"The document has {document.NumberOfPages} pages; the limit is {MaxPages}.");
        }

        document.AddPageFactory<PageText, PageTextFactory>();
        for (int page = 1; page <= document.NumberOfPages; page++)
        {
            parsing.BeginPage();
            document.GetPage<PageText>(page);
        }

        return parsing.Text.ToString();
    }

    private static PdfDocument Open(ReadOnlyMemory<byte> content, BoundedParsing parsing)
    {
        try
        {
            return PdfDocument.Open(content, parsing);
        }
        catch (PdfDocumentEncryptedException e)
        {
            throw new InvalidDataException("The document is encrypted and opens with a password only.", e);
        }
    }
}
