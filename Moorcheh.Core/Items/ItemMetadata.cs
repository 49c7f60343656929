using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Moorcheh.Json;

namespace Moorcheh;

/// <summary>
/// Metadata of an item: a JSON object, kept as compact UTF-8 and given back as it was sent. Immutable and safe for use from
/// several threads. Equality is by bytes.
/// </summary>
public sealed class ItemMetadata : IEquatable<ItemMetadata>
{
    /// <summary>Deepest nesting; the metadata object itself is level 1.</summary>
    public const int MaxDepth = 8;

    private static readonly JsonWriterOptions CompactJson = new() { Encoder = MinimalJsonEncoder.Instance, MaxDepth = 1000 };

    private readonly ReadOnlyMemory<byte> _utf8;

    private ItemMetadata(ReadOnlyMemory<byte> utf8)
    {
        _utf8 = utf8;
    }

    /// <summary>Escapes only what JSON demands: what metadata is written with, so that it does not become longer than it was sent.</summary>
    public static JavaScriptEncoder Encoder => MinimalJsonEncoder.Instance;

    /// <summary>The empty object.</summary>
    public static ItemMetadata Empty { get; } = new("{}"u8.ToArray());

    /// <summary>The object as compact UTF-8 JSON.</summary>
    public ReadOnlyMemory<byte> Utf8Json => _utf8;

    /// <summary>True for <c>{}</c>.</summary>
    public bool IsEmpty => _utf8.Length == 2;

    /// <summary>Converts a JSON object; the object may be changed afterwards without effect on the metadata.</summary>
    public static implicit operator ItemMetadata(JsonObject json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return Write(writer => json.WriteTo(writer));
    }

    /// <summary>Parses a JSON object.</summary>
    /// <exception cref="JsonException">The text is not a JSON object.</exception>
    public static ItemMetadata Parse(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 1000 });
        return FromElement(document.RootElement);
    }

    /// <summary>Takes over a JSON object. Of keys written twice the last one counts.</summary>
    /// <exception cref="JsonException">The element is not an object.</exception>
    public static ItemMetadata FromElement(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new JsonException($"Metadata must be a JSON object, not {element.ValueKind}.");
        }

        return FromProperties(element.EnumerateObject());
    }

    /// <summary>Takes over a JSON object as it is written, with its escapes, numbers and repeated keys, but without blanks outside of strings.</summary>
    /// <exception cref="JsonException">It is not a JSON object.</exception>
    public static ItemMetadata FromUtf8Json(ReadOnlySpan<byte> utf8Json)
    {
        var reader = new Utf8JsonReader(utf8Json, new JsonReaderOptions { MaxDepth = 1000 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException($"Metadata must be a JSON object, not {reader.TokenType}.");
        }

        while (reader.Read())
        {
            // The reader throws at the first mistake.
        }

        byte[] compact = new byte[utf8Json.Length];
        int length = 0;
        bool isInString = false;
        for (int i = 0; i < utf8Json.Length; i++)
        {
            if (isInString && utf8Json[i] == '\\')
            {
                compact[length++] = utf8Json[i++];
            }
            else if (utf8Json[i] == '"')
            {
                isInString = !isInString;
            }
            else if (!isInString && utf8Json[i] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
            {
                continue;
            }

            compact[length++] = utf8Json[i];
        }

        return FromStored(compact.AsSpan(0, length));
    }

    /// <summary>Builds metadata from properties of a JSON object. Of keys written twice the last one counts, in the place of the first.</summary>
    public static ItemMetadata FromProperties(IEnumerable<JsonProperty> properties)
    {
        ArgumentNullException.ThrowIfNull(properties);
        var kept = new List<JsonProperty>();
        Dictionary<string, int>? places = null;
        foreach (JsonProperty property in properties)
        {
            places ??= new Dictionary<string, int>(StringComparer.Ordinal);
            if (places.TryAdd(property.Name, kept.Count))
            {
                kept.Add(property);
            }
            else
            {
                kept[places[property.Name]] = property;
            }
        }

        if (kept.Count == 0)
        {
            return Empty;
        }

        return Write(writer =>
        {
            writer.WriteStartObject();
            foreach (JsonProperty property in kept)
            {
                writer.WritePropertyName(property.Name);
                property.Value.WriteTo(writer);
            }

            writer.WriteEndObject();
        });
    }

    /// <summary>Levels of nesting of the object; an empty object has one.</summary>
    public int Depth()
    {
        var reader = new Utf8JsonReader(_utf8.Span, new JsonReaderOptions { MaxDepth = 1000 });
        int depth = 0;
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
            {
                depth = Math.Max(depth, reader.CurrentDepth + 1);
            }
        }

        return depth;
    }

    /// <summary>The object as a JSON element of its own.</summary>
    public JsonElement ToElement()
    {
        var reader = new Utf8JsonReader(_utf8.Span, new JsonReaderOptions { MaxDepth = 1000 });
        return JsonElement.ParseValue(ref reader);
    }

    /// <inheritdoc/>
    public bool Equals(ItemMetadata? other) => other is not null && _utf8.Span.SequenceEqual(other._utf8.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ItemMetadata);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(_utf8.Span);
        return hash.ToHashCode();
    }

    /// <summary>The JSON text.</summary>
    public override string ToString() => Encoding.UTF8.GetString(_utf8.Span);

    /// <summary>Wraps bytes this store wrote itself, without checking them again.</summary>
    internal static ItemMetadata FromStored(ReadOnlySpan<byte> utf8) =>
        utf8.Length == 2 ? Empty : new ItemMetadata(utf8.ToArray());

    /// <summary>Builds metadata from an object that is written here.</summary>
    internal static ItemMetadata Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, CompactJson))
        {
            write(writer);
        }

        return buffer.WrittenCount == 2 ? Empty : new ItemMetadata(buffer.WrittenSpan.ToArray());
    }
}
