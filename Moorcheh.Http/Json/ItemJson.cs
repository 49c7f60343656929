using System.Text.Json;
using Moorcheh.Items;

namespace Moorcheh.Http.Json;

/// <summary>Writes what items and records have in answers.</summary>
internal static class ItemJson
{
    /// <summary>Metadata as it is stored.</summary>
    public static void WriteMetadata(Utf8JsonWriter writer, ItemRecord item)
    {
        writer.WritePropertyName("metadata"u8);
        writer.WriteRawValue(item.Metadata, skipInputValidation: true);
    }

    /// <summary>The text of a record, from where it is.</summary>
    public static ReadOnlyMemory<byte> TextOf(ReadOnlyMemory<byte> body)
    {
        ItemRecord item = ItemRecord.Parse(body.Span);
        return body.Slice(item.TextStart, item.Text.Length);
    }
}
