using System.Globalization;
using ExcelDataReader;
using ExcelNumberFormat;
using Moorcheh.Artifacts;
using Moorcheh.Documents.Readers;

namespace Moorcheh.Documents;

/// <summary>
/// Reads the text of workbooks: each sheet with its name, a line a row, a tab between cells, values as they are shown. ExcelDataReader reads what
/// <see cref="WorkbookBounds"/> has found to be within bounds. Safe for several threads at once.
/// </summary>
public sealed class XlsxReader : IDocumentReader
{
    /// <inheritdoc/>
    public IReadOnlyCollection<string> Suffixes { get; } = [".xlsx"];

    /// <inheritdoc/>
    public string Read(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var time = new ReadingTime(cancellationToken);
        WorkbookBounds.Check(content, time);
        using var file = new MemoryStream(content.ToArray(), writable: false);
        using IExcelDataReader reader = ExcelReaderFactory.CreateOpenXmlReader(file);
        var text = new BoundedText();
        var formats = new Dictionary<string, NumberFormat>(StringComparer.Ordinal);
        do
        {
            text.EndWord("\n\n");
            text.Append(reader.Name ?? "");
            text.Append("\n\n");
            while (reader.Read())
            {
                time.Check();
                ReadRow(reader, text, formats);
            }
        }
        while (reader.NextResult());
        return text.ToString();
    }

    private static void ReadRow(IExcelDataReader reader, BoundedText text, Dictionary<string, NumberFormat> formats)
    {
        bool isAny = false;
        for (int i = 0; i < reader.FieldCount; i++)
        {
            if (reader.GetValue(i) is { } value && Show(value, reader.GetNumberFormatString(i), formats) is { Length: > 0 } shown)
            {
                text.Append(isAny ? "\t" : "");
                text.Append(shown);
                isAny = true;
            }
        }

        text.Append(isAny ? "\n" : "");
    }

    private static string Show(object value, string? format, Dictionary<string, NumberFormat> formats)
    {
        if (value is string or bool || string.IsNullOrEmpty(format) || format == "General")
        {
            return value is bool truth ? (truth ? "TRUE" : "FALSE") : Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        }

        if (!formats.TryGetValue(format, out NumberFormat? found))
        {
            formats[format] = found = new NumberFormat(format);
        }

        return found.IsValid ? found.Format(value, CultureInfo.InvariantCulture) : Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
    }
}
