using System.Text.Json;
using Moorcheh.Artifacts;

namespace Moorcheh.Http.Artifacts;

/// <summary>Writes the answers of the artifacts API.</summary>
internal static class ArtifactJson
{
    public static void WriteStarted(Utf8JsonWriter writer, ArtifactTaskStatus task)
    {
        writer.WriteStartObject();
        writer.WriteString("task_id"u8, task.JobId);
        writer.WriteEndObject();
    }

    public static void WriteTask(Utf8JsonWriter writer, ArtifactTaskStatus task, ArtifactInfo? stored)
    {
        writer.WriteStartObject();
        writer.WriteString("task_id"u8, task.JobId);
        writer.WriteString("task_status"u8, task.TaskState switch
        {
            ArtifactTaskState.Pending => "PENDING"u8,
            ArtifactTaskState.Started => "STARTED"u8,
            ArtifactTaskState.Success => "SUCCESS"u8,
            ArtifactTaskState.Failure => "FAILURE"u8,
            _ => "REVOKED"u8,
        });
        writer.WritePropertyName("task_result"u8);
        switch (task)
        {
            case { TaskState: ArtifactTaskState.Failure }:
                writer.WriteStringValue(task.LastError);
                break;
            case { TaskState: ArtifactTaskState.Success, IsIngest: true }:
                ArtifactListJson.Write(writer, stored is null ? [] : [stored]);
                break;
            default:
                writer.WriteNullValue();
                break;
        }

        writer.WriteEndObject();
    }

    public static void WriteContent(
        Utf8JsonWriter writer, IReadOnlyList<(ArtifactContent Content, List<ArtifactChunk> Chunks)> found, bool isObject, Action checkSize)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("data"u8);
        foreach ((ArtifactContent content, List<ArtifactChunk> chunks) in found)
        {
            writer.WriteStartObject();
            writer.WriteString("artifact_id"u8, content.Info.Artifact);
            writer.WritePropertyName("content"u8);
            if (isObject)
            {
                WriteTree(writer, content, chunks, checkSize);
            }
            else
            {
                writer.WriteStringValue(string.Concat(chunks.Select(chunk => chunk.Text)).TrimEnd('\r', '\n') + "\n\n");
            }

            writer.WriteEndObject();
            checkSize();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    public static void WriteChunkedContent(
        Utf8JsonWriter writer, IReadOnlyList<(ArtifactContent Content, List<ArtifactChunk> Chunks)> found, ChunkJoiner joiner, Action checkSize)
    {
        int index = 0;
        writer.WriteStartObject();
        writer.WriteStartArray("data"u8);
        foreach ((ArtifactContent content, List<ArtifactChunk> chunks) in found)
        {
            int indexInArtifact = 0;
            foreach (ArtifactChunk chunk in joiner.Join(chunks))
            {
                WriteChunk(writer, content, chunk, index++, indexInArtifact++);
                checkSize();
            }
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteChunk(Utf8JsonWriter writer, ArtifactContent content, ArtifactChunk chunk, int index, int indexInArtifact)
    {
        writer.WriteStartObject();
        writer.WriteString("artifact_id"u8, content.Info.Artifact);
        writer.WriteStartArray("content"u8);
        writer.WriteStartObject();
        writer.WriteString("type"u8, "source"u8);
        writer.WriteStartArray("sources"u8);
        writer.WriteStartObject();
        writer.WriteString("object"u8, "context.chunk"u8);
        writer.WriteString("id"u8, chunk.Id);
        writer.WritePropertyName("score"u8);
        writer.WriteRawValue("0.0"u8);
        writer.WritePropertyName("document"u8);
        ArtifactListJson.WriteDocument(writer, content.Info);
        writer.WriteString("text"u8, chunk.Text);
        writer.WriteString("content_type"u8, "text/markdown"u8);
        writer.WriteStartArray("previous_texts"u8);
        writer.WriteEndArray();
        writer.WriteStartArray("next_texts"u8);
        writer.WriteEndArray();
        writer.WriteStartObject("metadata"u8);
        writer.WriteNumber("abs_idx"u8, index);
        writer.WriteNumber("rel_idx"u8, indexInArtifact);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteStartObject();
        writer.WriteString("type"u8, "text"u8);
        writer.WriteString("text"u8, chunk.Text);
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteTree(Utf8JsonWriter writer, ArtifactContent content, List<ArtifactChunk> chunks, Action checkSize)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, content.Id);
        writer.WriteString("type"u8, "document"u8);
        writer.WriteString("content"u8, ""u8);
        writer.WriteStartArray("children"u8);
        foreach (ArtifactChunk chunk in chunks)
        {
            writer.WriteStartObject();
            writer.WriteString("id"u8, chunk.Id);
            writer.WriteString("type"u8, "TextNode"u8);
            writer.WriteString("content"u8, chunk.Text);
            writer.WriteStartArray("children"u8);
            writer.WriteEndArray();
            writer.WriteEndObject();
            checkSize();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
