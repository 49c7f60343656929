using System.Text;
using System.Text.Json;
using Moorcheh.Http.Contracts;
using Moorcheh.Http.Json;

namespace Moorcheh.Http.Endpoints;

/// <summary>Figures about a page of texts, item by item.</summary>
internal sealed class TextStatistics
{
    private const string UnknownSource = "unknown";

    private readonly Dictionary<string, int> _sources = new(StringComparer.Ordinal);
    private int _items;
    private long _sourceBytes;
    private DateTimeOffset _first = DateTimeOffset.MaxValue;
    private DateTimeOffset _last = DateTimeOffset.MinValue;

    /// <summary>Id of the item added last.</summary>
    public string? LastId { get; private set; }

    /// <summary>Bytes of the sources in memory: each may be as long as all the metadata of an item.</summary>
    public long MemoryBytes => _sourceBytes;

    public void Add(StoredItem item)
    {
        _items++;
        _first = item.CreatedAt < _first ? item.CreatedAt : _first;
        _last = item.CreatedAt > _last ? item.CreatedAt : _last;
        LastId = Encoding.UTF8.GetString(item.Id.Span);
        string source = SourceOf(item.Metadata.Span);
        int count = _sources.GetValueOrDefault(source);
        _sources[source] = count + 1;
        _sourceBytes += count == 0 ? sizeof(char) * source.Length : 0;
    }

    // Summaries come from file uploads, which this build does not have: every item is a text.
    public async ValueTask WriteAsync(JsonStream stream)
    {
        Utf8JsonWriter writer = stream.Writer;
        writer.WriteStartObject();
        writer.WriteNumber("total_items"u8, _items);
        writer.WriteNumber("total_text_chunks"u8, _items);
        writer.WriteNumber("total_summary_chunks"u8, 0);
        writer.WriteString("created_at_min"u8, _items == 0 ? null : Wire.Time(_first));
        writer.WriteString("created_at_max"u8, _items == 0 ? null : Wire.Time(_last));
        writer.WriteStartObject("source_counts"u8);
        foreach ((string source, int count) in _sources)
        {
            writer.WriteNumber(source, count);
            await stream.FlushAsync();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

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
