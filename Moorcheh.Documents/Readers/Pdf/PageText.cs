using UglyToad.PdfPig;
using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Filters;
using UglyToad.PdfPig.Geometry;
using UglyToad.PdfPig.Graphics;
using UglyToad.PdfPig.Graphics.Operations;
using UglyToad.PdfPig.Outline.Destinations;
using UglyToad.PdfPig.Parser;
using UglyToad.PdfPig.PdfFonts;
using UglyToad.PdfPig.Tokenization.Scanner;
using UglyToad.PdfPig.Tokens;

namespace Moorcheh.Documents.Readers.Pdf;

/// <summary>What is left of a page when its glyphs went into the text of the document: nothing.</summary>
internal sealed record PageText;

/// <summary>Makes the text of pages. The package's own pages keep an object of every glyph and line, without a bound.</summary>
internal sealed class PageTextFactory(
    IPdfTokenScanner pdfScanner,
    IResourceStore resourceStore,
    ILookupFilterProvider filterProvider,
    IPageContentParser pageContentParser,
    ParsingOptions parsingOptions)
    : BasePageFactory<PageText>(pdfScanner, resourceStore, filterProvider, pageContentParser, parsingOptions)
{
    private readonly IPdfTokenScanner _scanner = pdfScanner;
    private readonly IResourceStore _resources = resourceStore;
    private readonly ILookupFilterProvider _filters = filterProvider;
    private readonly IPageContentParser _parser = pageContentParser;
    private readonly ParsingOptions _options = parsingOptions;

    protected override PageText ProcessPage(
        int pageNumber,
        DictionaryToken dictionary,
        NamedDestinations namedDestinations,
        MediaBox mediaBox,
        CropBox cropBox,
        UserSpaceUnit userSpaceUnit,
        PageRotationDegrees rotation,
        TransformationMatrix initialMatrix,
        IReadOnlyList<IGraphicsStateOperation> operations) =>
        new PageTextProcessor(
            pageNumber, _resources, _scanner, _parser, _filters, cropBox, userSpaceUnit, rotation, initialMatrix, (BoundedParsing)_options)
            .Process(pageNumber, operations);
}

/// <summary>Runs the content of a page and hands its glyphs on; lines, images and shadings are nothing.</summary>
internal sealed class PageTextProcessor(
    int pageNumber,
    IResourceStore resourceStore,
    IPdfTokenScanner pdfScanner,
    IPageContentParser pageContentParser,
    ILookupFilterProvider filterProvider,
    CropBox cropBox,
    UserSpaceUnit userSpaceUnit,
    PageRotationDegrees rotation,
    TransformationMatrix initialMatrix,
    BoundedParsing parsing)
    : BaseStreamProcessor<PageText>(
        pageNumber, resourceStore, pdfScanner, pageContentParser, filterProvider, cropBox, userSpaceUnit, rotation, in initialMatrix, parsing)
{
    private static readonly PageText Done = new();

    private string? _actual;
    private int _marks;
    private int _actualMark;

    public override PageText Process(int pageNumberCurrent, IReadOnlyList<IGraphicsStateOperation> operations)
    {
        ProcessOperations(operations);
        return Done;
    }

    public override void RenderGlyph(
        IFont font,
        CurrentGraphicsState currentState,
        double fontSize,
        double pointSize,
        int code,
        string unicode,
        long currentOffset,
        in TransformationMatrix renderingMatrix,
        in TransformationMatrix textMatrix,
        in TransformationMatrix transformationMatrix,
        CharacterBoundingBox characterBoundingBox)
    {
        parsing.CountGlyph();
        if (_actual is not null)
        {
            // The glyphs stand for this text as a whole; it comes with the first of them.
            (unicode, _actual) = (_actual, "");
        }
        else if (string.IsNullOrEmpty(unicode))
        {
            return;
        }

        PdfPoint start = transformationMatrix.Transform(textMatrix.Transform(renderingMatrix.Transform(new PdfPoint(0, 0))));
        PdfPoint end = transformationMatrix.Transform(textMatrix.Transform(renderingMatrix.Transform(new PdfPoint(characterBoundingBox.Width, 0))));
        PdfPoint top = transformationMatrix.Transform(textMatrix.Transform(renderingMatrix.Transform(new PdfPoint(0, 1))));
        parsing.Flow.Add(unicode, start, end, Math.Sqrt(((top.X - start.X) * (top.X - start.X)) + ((top.Y - start.Y) * (top.Y - start.Y))));
    }

    public override void PushState()
    {
        BoundedParsing.CheckStates(StackSize);
        base.PushState();
    }

    protected override void ProcessFormXObject(StreamToken formStream, NameToken xObjectName)
    {
        parsing.EnterForm();
        try
        {
            base.ProcessFormXObject(formStream, xObjectName);
        }
        finally
        {
            parsing.LeaveForm();
        }
    }

    protected override void RenderXObjectImage(XObjectContentRecord xObjectContentRecord)
    {
    }

    protected override void RenderInlineImage(InlineImage inlineImage)
    {
    }

    public override void BeginSubpath()
    {
    }

    public override PdfPoint? CloseSubpath() => null;

    public override void StrokePath(bool close)
    {
    }

    public override void FillPath(FillingRule fillingRule, bool close)
    {
    }

    public override void FillStrokePath(FillingRule fillingRule, bool close)
    {
    }

    public override void MoveTo(double x, double y)
    {
    }

    public override void BezierCurveTo(double x2, double y2, double x3, double y3)
    {
    }

    public override void BezierCurveTo(double x1, double y1, double x2, double y2, double x3, double y3)
    {
    }

    public override void LineTo(double x, double y)
    {
    }

    public override void Rectangle(double x, double y, double width, double height)
    {
    }

    public override void EndPath()
    {
    }

    public override void ClosePath()
    {
    }

    public override void ModifyClippingIntersect(FillingRule clippingRule)
    {
    }

    protected override void ClipToRectangle(PdfRectangle rectangle, FillingRule clippingRule)
    {
    }

    public override void BeginMarkedContent(NameToken name, NameToken? propertyDictionaryName, DictionaryToken? properties)
    {
        _marks++;
        if (_actual is null && properties is not null && properties.TryGet(NameToken.ActualText, out IToken? text))
        {
            _actual = text switch { StringToken plain => plain.Data, HexToken hex => hex.Data, _ => null };
            _actualMark = _marks;
        }
    }

    public override void EndMarkedContent()
    {
        if (_actual is not null && _marks <= _actualMark)
        {
            _actual = null;
        }

        _marks--;
    }

    public override void PaintShading(NameToken shadingName)
    {
    }
}
