using System.Text.Json;

namespace Moorcheh.Http.Json;

/// <summary>Writes what items have in answers.</summary>
internal static class ItemJson
{
    /// <summary>Metadata as it is stored.</summary>
    public static void WriteMetadata(Utf8JsonWriter writer, StoredItem item)
    {
        writer.WritePropertyName("metadata"u8);
        writer.WriteRawValue(item.Metadata.Span, skipInputValidation: true);
    }
}
