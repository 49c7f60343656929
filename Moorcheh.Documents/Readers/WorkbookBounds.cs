using System.Globalization;
using System.Xml;

namespace Moorcheh.Documents.Readers;

/// <summary>
/// Reads the parts of a workbook once within bounds, before a reader that has none: all its XML, and as many cells, texts and formats as fit into memory. A sheet is
/// a grid for that reader, so what counts is the rectangle up to its last cell.
/// </summary>
internal static class WorkbookBounds
{
    /// <summary>Most cells, shared texts and formats that are written down.</summary>
    public const int MaxWritten = 4 << 20;

    /// <summary>Most cells of the rectangles of all sheets, empty ones included.</summary>
    public const long MaxGrid = 256L << 20;

    /// <summary>Most rows of a sheet, as in Excel.</summary>
    public const int MaxRows = 1 << 20;

    /// <summary>Most columns of a sheet, as in Excel.</summary>
    public const int MaxColumns = 1 << 14;

    /// <summary>Most sheets.</summary>
    public const int MaxSheets = 1000;

    public static void Check(ReadOnlyMemory<byte> content, ReadingTime time)
    {
        using var package = new OfficePackage(content);
        package.FindMainPart("xl/workbook.xml");
        if (package.Names.FirstOrDefault(IsBinary) is { } binary)
        {
            throw new InvalidDataException($"The workbook has the binary part '{binary}'; only XML is read.");
        }

        long written = 0;
        long grid = 0;
        long sheets = 0;
        foreach (string name in package.Names.Where(IsRead))
        {
            using BoundedXml part = package.OpenXml(name)!;
            long row = 0;
            long lastRow = 0;
            long column = 0;
            long lastColumn = 0;
            while (part.Read())
            {
                time.Check();
                if (part.Node.NodeType != XmlNodeType.Element)
                {
                    continue;
                }

                switch (part.Node.LocalName)
                {
                    case "row":
                        row = long.TryParse(part.Node.GetAttribute("r"), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : row + 1;
                        Require(row, MaxRows, "rows");
                        (lastRow, column) = (Math.Max(lastRow, row), 0);
                        written++;
                        break;
                    case "c":
                        column = ColumnOf(part.Node.GetAttribute("r")) ?? column + 1;
                        Require(column, MaxColumns, "columns");
                        lastColumn = Math.Max(lastColumn, column);
                        written++;
                        break;
                    case "si" or "xf" or "numFmt" or "mergeCell" or "col" or "r" or "t":
                        written++;
                        break;
                    case "sheet":
                        sheets++;
                        break;
                }

                Require(written, MaxWritten, "cells, texts and formats");
                Require(sheets, MaxSheets, "sheets");
            }

            grid += lastRow * lastColumn;
            Require(grid, MaxGrid, "cells from the first to the last of its sheets");
        }
    }

    /// <summary>All XML, wherever it is: relations may lead to a sheet anywhere.</summary>
    private static bool IsRead(string name) =>
        name.EndsWith(".rels", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".xml", StringComparison.OrdinalIgnoreCase);

    /// <summary>The parts of the binary kind of workbooks, which has a suffix of its own.</summary>
    private static bool IsBinary(string name) =>
        name.EndsWith(".bin", StringComparison.OrdinalIgnoreCase)
        && (name.Contains("workbook", StringComparison.OrdinalIgnoreCase) || name.Contains("sheet", StringComparison.OrdinalIgnoreCase)
            || name.Contains("sharedStrings", StringComparison.OrdinalIgnoreCase) || name.Contains("styles", StringComparison.OrdinalIgnoreCase));

    private static long? ColumnOf(string? place)
    {
        long column = 0;
        foreach (char c in place ?? "")
        {
            if (!char.IsAsciiLetter(c) || column > 1_000_000)
            {
                break;
            }

            column = (column * 26) + (char.ToUpperInvariant(c) - 'A' + 1);
        }

        return column == 0 ? null : column;
    }

    private static void Require(long count, long limit, string what)
    {
        if (count > limit)
        {
            throw new InvalidDataException($"The workbook has {count} {what} or more; the limit is {limit}.");
        }
    }
}
