using System.Text.Json;

namespace Moorcheh.Artifacts.Tasks;

/// <summary>The key of an artifact's metadata, and of its chunks, that names the model which made the vectors.</summary>
internal static class EmbedModel
{
    public const string Key = "embed_model";

    /// <summary>Metadata with another model; without the key it stays as it is.</summary>
    /// <param name="metadata">Compact JSON, an object.</param>
    /// <param name="model">The model's id.</param>
    public static byte[] Replace(ReadOnlySpan<byte> metadata, string model)
    {
        var reader = new Utf8JsonReader(metadata, new JsonReaderOptions { MaxDepth = 1000 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isKey = reader.ValueTextEquals(Key);
            reader.Read();
            int start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (isKey)
            {
                ReadOnlySpan<byte> value = JsonEncodedText.Encode(model, ItemMetadata.Encoder).EncodedUtf8Bytes;
                return [.. metadata[..start], (byte)'"', .. value, (byte)'"', .. metadata[(int)reader.BytesConsumed..]];
            }
        }

        return metadata.ToArray();
    }
}
