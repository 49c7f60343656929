using System.Text.Json;
using Moorcheh.Artifacts;

namespace Moorcheh.Http.Artifacts;

/// <summary>The list of artifacts as the artifacts API answers it.</summary>
internal static class ArtifactListJson
{
    public static void Write(Utf8JsonWriter writer, IReadOnlyList<ArtifactInfo> artifacts)
    {
        WriteStart(writer);
        foreach (ArtifactInfo artifact in artifacts)
        {
            WriteDocument(writer, artifact);
        }

        WriteEnd(writer);
    }

    /// <summary>Writes what comes before the documents.</summary>
    public static void WriteStart(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("object"u8, "list"u8);
        writer.WriteString("model"u8, "private-gpt"u8);
        writer.WriteStartArray("data"u8);
    }

    /// <summary>Writes what comes behind the documents.</summary>
    public static void WriteEnd(Utf8JsonWriter writer)
    {
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    public static void WriteDocument(Utf8JsonWriter writer, ArtifactInfo artifact)
    {
        writer.WriteStartObject();
        writer.WriteString("object"u8, "ingest.document"u8);
        writer.WriteString("artifact"u8, artifact.Artifact);
        writer.WritePropertyName("doc_metadata"u8);
        writer.WriteRawValue(artifact.Metadata.Utf8Json.Span, skipInputValidation: true);
        writer.WriteEndObject();
    }
}
