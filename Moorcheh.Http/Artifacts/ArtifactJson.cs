using System.Text.Json;
using Moorcheh.Artifacts;
using Moorcheh.Http.Json;

namespace Moorcheh.Http.Artifacts;

/// <summary>Writes the answers of the artifacts API.</summary>
internal static class ArtifactJson
{
    private static readonly byte[] TwoLineEnds = "\n\n"u8.ToArray();

    public static void WriteStarted(Utf8JsonWriter writer, ArtifactTaskStatus task)
    {
        writer.WriteStartObject();
        writer.WriteString("task_id"u8, task.Id);
        writer.WriteEndObject();
    }

    public static void WriteTask(Utf8JsonWriter writer, ArtifactTaskStatus task, ArtifactInfo? stored)
    {
        writer.WriteStartObject();
        writer.WriteString("task_id"u8, task.Id);
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

    public static async ValueTask WriteListAsync(JsonStream stream, ArtifactStore artifacts, string collection, IReadOnlyList<string> names)
    {
        ArtifactListJson.WriteStart(stream.Writer);
        foreach (string name in names)
        {
            if (await artifacts.FindAsync(collection, name) is { } info)
            {
                ArtifactListJson.WriteDocument(stream.Writer, info);
                await stream.FlushAsync();
            }
        }

        ArtifactListJson.WriteEnd(stream.Writer);
    }

    public static async ValueTask WriteContentAsync(JsonStream stream, IReadOnlyList<WantedArtifact> found, bool isObject)
    {
        Utf8JsonWriter writer = stream.Writer;
        writer.WriteStartObject();
        writer.WriteStartArray("data"u8);
        foreach (WantedArtifact artifact in found)
        {
            writer.WriteStartObject();
            writer.WriteString("artifact_id"u8, artifact.Info.Artifact);
            writer.WritePropertyName("content"u8);
            await (isObject ? WriteTreeAsync(stream, artifact) : WriteMarkdownAsync(stream, artifact));
            writer.WriteEndObject();
            await stream.FlushAsync();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    public static async ValueTask WriteChunkedContentAsync(JsonStream stream, IReadOnlyList<WantedArtifact> found, ChunkJoiner joiner)
    {
        int index = 0;
        stream.Writer.WriteStartObject();
        stream.Writer.WriteStartArray("data"u8);
        foreach (WantedArtifact artifact in found)
        {
            // Found while they are written for the first time.
            List<JoinedChunk> joined = [.. artifact.Joined ?? []];
            if (artifact.Joined is null)
            {
                await foreach (JoinedChunk chunk in joiner.JoinAsync(artifact))
                {
                    await WriteChunkAsync(stream, artifact, chunk, index++, joined.Count);
                    joined.Add(chunk);
                }

                artifact.Joined = joined;
                continue;
            }

            for (int i = 0; i < joined.Count; i++)
            {
                await WriteChunkAsync(stream, artifact, joined[i], index++, i);
            }
        }

        stream.Writer.WriteEndArray();
        stream.Writer.WriteEndObject();
    }

    private static async ValueTask WriteChunkAsync(JsonStream stream, WantedArtifact artifact, JoinedChunk chunk, int index, int indexInArtifact)
    {
        Utf8JsonWriter writer = stream.Writer;
        writer.WriteStartObject();
        writer.WriteString("artifact_id"u8, artifact.Info.Artifact);
        writer.WriteStartArray("content"u8);
        writer.WriteStartObject();
        writer.WriteString("type"u8, "source"u8);
        writer.WriteStartArray("sources"u8);
        writer.WriteStartObject();
        writer.WriteString("object"u8, "context.chunk"u8);
        writer.WriteString("id"u8, artifact.ChunkId(chunk.First));
        writer.WritePropertyName("score"u8);
        writer.WriteRawValue("0.0"u8);
        writer.WritePropertyName("document"u8);
        ArtifactListJson.WriteDocument(writer, artifact.Info);
        writer.WritePropertyName("text"u8);
        await WriteTextAsync(stream, artifact, chunk);
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
        writer.WritePropertyName("text"u8);
        await WriteTextAsync(stream, artifact, chunk);
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
        await stream.FlushAsync();
    }

    private static async ValueTask WriteTextAsync(JsonStream stream, WantedArtifact artifact, JoinedChunk chunk)
    {
        for (int i = chunk.First; i <= chunk.Last; i++)
        {
            ReadOnlyMemory<byte> text = await artifact.ReadTextAsync(i);
            await stream.WritePartsAsync(chunk.Part is { } part ? text[part] : text);
        }

        stream.EndText();
    }

    /// <summary>The texts joined, without line ends behind them but for two.</summary>
    private static async ValueTask WriteMarkdownAsync(JsonStream stream, WantedArtifact artifact)
    {
        int count = artifact.Count;
        int lastLength = 0;
        while (count > 0 && lastLength == 0)
        {
            lastLength = (await artifact.ReadTextAsync(count - 1)).Span.TrimEnd("\r\n"u8).Length;
            count -= lastLength == 0 ? 1 : 0;
        }

        for (int i = 0; i < count; i++)
        {
            ReadOnlyMemory<byte> text = await artifact.ReadTextAsync(i);
            await stream.WritePartsAsync(i < count - 1 ? text : text[..lastLength]);
        }

        await stream.WritePartsAsync(TwoLineEnds);
        stream.EndText();
    }

    private static async ValueTask WriteTreeAsync(JsonStream stream, WantedArtifact artifact)
    {
        Utf8JsonWriter writer = stream.Writer;
        writer.WriteStartObject();
        writer.WriteString("id"u8, artifact.Id);
        writer.WriteString("type"u8, "document"u8);
        writer.WriteString("content"u8, ""u8);
        writer.WriteStartArray("children"u8);
        for (int i = 0; i < artifact.Count; i++)
        {
            writer.WriteStartObject();
            writer.WriteString("id"u8, artifact.ChunkId(i));
            writer.WriteString("type"u8, "TextNode"u8);
            writer.WritePropertyName("content"u8);
            await stream.WriteTextAsync(await artifact.ReadTextAsync(i));
            writer.WriteStartArray("children"u8);
            writer.WriteEndArray();
            writer.WriteEndObject();
            await stream.FlushAsync();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
