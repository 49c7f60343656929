using System.Text.Json;
using Moorcheh.Http.Contracts;

namespace Moorcheh.Http.Endpoints;

/// <summary>Figures about a page of texts.</summary>
internal static class TextStatistics
{
    private const string UnknownSource = "unknown";

    public static TextPageStatistics Of(IReadOnlyList<Item> items)
    {
        var sources = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (Item item in items)
        {
            string source = SourceOf(item.Metadata);
            sources[source] = sources.GetValueOrDefault(source) + 1;
        }

        // Summaries come from file uploads, which this build does not have: every item is a text.
        return new TextPageStatistics(
            items.Count,
            items.Count,
            TotalSummaryChunks: 0,
            items.Count == 0 ? null : Wire.Time(items.Min(item => item.CreatedAt)),
            items.Count == 0 ? null : Wire.Time(items.Max(item => item.CreatedAt)),
            sources);
    }

    private static string SourceOf(ItemMetadata metadata)
    {
        if (metadata.IsEmpty)
        {
            return UnknownSource;
        }

        string? fileName = null;
        string? source = null;
        var reader = new Utf8JsonReader(metadata.Utf8Json.Span);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isSource = reader.ValueTextEquals("source"u8);
            bool isFileName = reader.ValueTextEquals("filename"u8);
            reader.Read();
            if (isSource && reader.TokenType == JsonTokenType.String)
            {
                source = reader.GetString();
            }
            else if (isFileName && reader.TokenType == JsonTokenType.String)
            {
                fileName = reader.GetString();
            }

            reader.Skip();
        }

        return source ?? fileName ?? UnknownSource;
    }
}
