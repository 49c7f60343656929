using System.Text.Json;
using System.Text.Json.Serialization;

namespace Moorcheh.Http.Contracts;

/// <summary>Writes metadata as it is stored; answers only, so it never reads.</summary>
internal sealed class MetadataConverter : JsonConverter<ItemMetadata>
{
    public override ItemMetadata Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException();

    public override void Write(Utf8JsonWriter writer, ItemMetadata value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value.Utf8Json.Span, skipInputValidation: true);
}
