using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Moorcheh.Artifacts;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Json;

namespace Moorcheh.Callbacks.Messages;

/// <summary>The bodies of messages: compact JSON, UTF-8, always the keys <c>data</c>, <c>type</c>, <c>error</c> and <c>callback_properties</c>.</summary>
internal static class CallbackJson
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = MinimalJsonEncoder.Instance, MaxDepth = 1000 };

    /// <summary>The type of a message, which is also its routing key when none was given.</summary>
    /// <param name="isIngest">True for an ingest, false for a delete.</param>
    /// <param name="kind"><c>done</c>, <c>error</c> or <c>progress</c>.</param>
    public static string TypeOf(bool isIngest, string kind) => $"pgpt.{(isIngest ? "vector_index_task" : "delete_ingested_task")}.{kind}";

    /// <summary>The task succeeded.</summary>
    /// <param name="type">Of the message.</param>
    /// <param name="task">The task.</param>
    /// <param name="stored">What an ingest stored; null when it had nothing to store, and for a delete.</param>
    /// <param name="properties">Given back as they are.</param>
    public static byte[] Done(string type, ArtifactTaskStatus task, ItemMetadata? stored, ItemMetadata? properties) => Write(
        type,
        writer =>
        {
            if (task.IsIngest)
            {
                ArtifactListJson.Write(writer, stored is null ? [] : [new ArtifactInfo(task.Artifact, stored)]);
            }
            else
            {
                writer.WriteNullValue();
            }
        },
        writer => writer.WriteNullValue(),
        properties);

    /// <summary>The task failed.</summary>
    public static byte[] Error(string type, ArtifactTaskStatus task, ItemMetadata? properties) => Write(
        type,
        writer => writer.WriteNullValue(),
        writer =>
        {
            string? code = task.ErrorCode == ErrorCodes.InvalidFile ? InvalidFile.CodeOf(task.LastError!) : null;
            writer.WriteStartObject();
            writer.WriteStartArray("errors"u8);
            writer.WriteStringValue(code ?? task.LastError);
            writer.WriteEndArray();
            writer.WritePropertyName("warnings"u8);
            writer.WriteRawValue(code is null ? "null"u8 : "[]"u8);
            writer.WriteEndObject();
        },
        properties);

    /// <summary>A step came this far.</summary>
    public static byte[] Progress(string type, CallbackStep step, int hundredths, ItemMetadata? properties) => Write(
        type,
        writer =>
        {
            writer.WriteStartObject();
            writer.WritePropertyName("percentage"u8);
            writer.WriteRawValue(Percentage(hundredths));
            writer.WriteStartArray("warnings"u8);
            writer.WriteEndArray();
            writer.WriteString("current_step"u8, step.ToString());
            writer.WriteEndObject();
        },
        writer => writer.WriteNullValue(),
        properties);

    /// <summary>Always with a decimal point, and with as few decimals as it needs, at least one.</summary>
    private static string Percentage(int hundredths) => (hundredths / 100m).ToString("0.0#", CultureInfo.InvariantCulture);

    private static byte[] Write(string type, Action<Utf8JsonWriter> data, Action<Utf8JsonWriter> error, ItemMetadata? properties)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, Compact))
        {
            writer.WriteStartObject();
            writer.WritePropertyName("data"u8);
            data(writer);
            writer.WriteString("type"u8, type);
            writer.WritePropertyName("error"u8);
            error(writer);
            writer.WritePropertyName("callback_properties"u8);
            if (properties is null)
            {
                writer.WriteNullValue();
            }
            else
            {
                writer.WriteRawValue(properties.Utf8Json.Span, skipInputValidation: true);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
