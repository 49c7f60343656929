using System.Text.Json;

namespace Moorcheh.Artifacts.Tasks;

/// <summary>The list of artifacts as messages about tasks carry it. Messages are on disk as they are sent: what is written here must not change.</summary>
internal static class ArtifactListJson
{
    public static void Write(Utf8JsonWriter writer, IReadOnlyList<ArtifactInfo> artifacts)
    {
        writer.WriteStartObject();
        writer.WriteString("object"u8, "list"u8);
        writer.WriteString("model"u8, "private-gpt"u8);
        writer.WriteStartArray("data"u8);
        foreach (ArtifactInfo artifact in artifacts)
        {
            writer.WriteStartObject();
            writer.WriteString("object"u8, "ingest.document"u8);
            writer.WriteString("artifact"u8, artifact.Artifact);
            writer.WritePropertyName("doc_metadata"u8);
            writer.WriteRawValue(artifact.Metadata.Utf8Json.Span, skipInputValidation: true);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
