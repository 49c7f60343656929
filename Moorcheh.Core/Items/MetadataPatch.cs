using System.Text.Json;

namespace Moorcheh.Items;

/// <summary>Merges metadata as JSON Merge Patch says (RFC 7396): null removes a key, an object is merged into one, everything else replaces.</summary>
internal static class MetadataPatch
{
    public static ItemMetadata Merge(ItemMetadata metadata, ItemMetadata patch)
    {
        JsonElement target = metadata.ToElement();
        JsonElement change = patch.ToElement();
        return ItemMetadata.Write(writer => WriteMerged(writer, target, change));
    }

    private static void WriteMerged(Utf8JsonWriter writer, JsonElement? target, JsonElement patch)
    {
        writer.WriteStartObject();
        HashSet<string> written = new(StringComparer.Ordinal);
        foreach (JsonElement source in target is { ValueKind: JsonValueKind.Object } before ? [before, patch] : (JsonElement[])[patch])
        {
            foreach (JsonProperty property in source.EnumerateObject())
            {
                if (!written.Add(property.Name))
                {
                    continue;
                }

                JsonElement? old = target is { ValueKind: JsonValueKind.Object } && target.Value.TryGetProperty(property.Name, out JsonElement kept) ? kept : null;
                if (!patch.TryGetProperty(property.Name, out JsonElement change))
                {
                    writer.WritePropertyName(property.Name);
                    old!.Value.WriteTo(writer);
                }
                else if (change.ValueKind == JsonValueKind.Object)
                {
                    writer.WritePropertyName(property.Name);
                    WriteMerged(writer, old, change);
                }
                else if (change.ValueKind != JsonValueKind.Null)
                {
                    writer.WritePropertyName(property.Name);
                    change.WriteTo(writer);
                }
            }
        }

        writer.WriteEndObject();
    }
}
