using System.Text;
using System.Text.Json;
using Moorcheh.Http.Contracts;
using Moorcheh.Storage;

namespace Moorcheh.Http.Endpoints;

/// <summary>Figures about a page of texts, item by item.</summary>
internal sealed class TextStatistics
{
    private const string UnknownSource = "unknown";

    private readonly Dictionary<string, int> _sources = new(StringComparer.Ordinal);
    private int _items;
    private DateTimeOffset _first = DateTimeOffset.MaxValue;
    private DateTimeOffset _last = DateTimeOffset.MinValue;

    /// <summary>Id of the item added last.</summary>
    public string? LastId { get; private set; }

    public void Add(in ItemRecord item)
    {
        _items++;
        _first = item.CreatedAt < _first ? item.CreatedAt : _first;
        _last = item.CreatedAt > _last ? item.CreatedAt : _last;
        LastId = Encoding.UTF8.GetString(item.Id);
        string source = SourceOf(item.Metadata);
        _sources[source] = _sources.GetValueOrDefault(source) + 1;
    }

    // Summaries come from file uploads, which this build does not have: every item is a text.
    public TextPageStatistics ToResponse() => new(
        _items,
        _items,
        TotalSummaryChunks: 0,
        _items == 0 ? null : Wire.Time(_first),
        _items == 0 ? null : Wire.Time(_last),
        _sources);

    private static string SourceOf(ReadOnlySpan<byte> metadata)
    {
        string? fileName = null;
        string? source = null;
        var reader = new Utf8JsonReader(metadata);
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
