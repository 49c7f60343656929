using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Moorcheh.Artifacts;

namespace Moorcheh.Http.Artifacts;

/// <summary>Reads the bodies of the artifacts API.</summary>
internal sealed class ArtifactRequests(IUriReader? uriReader, int maxMetadataBytes)
{
    public const string DefaultCollection = "pgpt_collection";

    private static readonly string[] NodeTypes = ["ImageNode", "ListItemNode", "ListNode", "SectionNode", "TableNode", "TableRowNode", "TextNode"];

    /// <summary>Reads an ingest.</summary>
    public ArtifactIngest ReadIngest(SchemaNode body)
    {
        ArtifactIngest? ingest = Ingest(body, out object[] uriAt);
        ThrowIfAny(body);
        CheckUri(body, ingest!, uriAt);
        return ingest!;
    }

    /// <summary>Reads an ingest with its callback.</summary>
    public (ArtifactIngest Ingest, ArtifactCallback? Callback) ReadIngestTask(SchemaNode body)
    {
        SchemaNode? ingestBody = body.Node("ingest_body", isRequired: true);
        object[] uriAt = [];
        ArtifactIngest? ingest = ingestBody is null ? null : Ingest(ingestBody, out uriAt);
        ArtifactCallback? callback = Callback(body);
        ThrowIfAny(body);
        CheckUri(ingestBody!, ingest!, uriAt);
        return (ingest!, callback);
    }

    /// <summary>Reads which artifact to delete.</summary>
    public static (string Collection, string Artifact) ReadDelete(SchemaNode body)
    {
        (string, string) names = Delete(body);
        ThrowIfAny(body);
        return names;
    }

    /// <summary>Reads a delete with its callback.</summary>
    public (string Collection, string Artifact, ArtifactCallback? Callback) ReadDeleteTask(SchemaNode body)
    {
        (string collection, string artifact) = body.Node("delete_body", isRequired: true) is { } delete ? Delete(delete) : ("", "");
        ArtifactCallback? callback = Callback(body);
        ThrowIfAny(body);
        return (collection, artifact, callback);
    }

    /// <summary>Reads what content is asked for.</summary>
    public static ContentRequest ReadContent(SchemaNode body)
    {
        string collection = DefaultCollection;
        List<string>? artifacts = null;
        List<MetadataCondition>? conditions = null;
        if (body.Node("context_filter", isRequired: true) is { } context)
        {
            collection = context.Text("collection", isRequired: false) ?? DefaultCollection;
            artifacts = context.Texts("artifacts");
            conditions = Conditions(context);
        }

        bool isObject = body.Word("format", ["markdown", "object"]) == "object";
        List<string>? nodeIds = null;
        bool includesTexts = true;
        if (body.Node("filter", isRequired: false) is { } filter)
        {
            includesTexts = filter.Words("include", NodeTypes)?.Contains("TextNode") != false;
            includesTexts &= filter.Words("exclude", NodeTypes)?.Contains("TextNode") != true;
            nodeIds = filter.Texts("node_ids");
            filter.Flag("include_children");
            filter.Flag("include_ancestors");
        }

        long? maxTokens = body.Count("max_tokens");
        ThrowIfAny(body);
        return new ContentRequest(
            collection,
            artifacts?.Distinct(StringComparer.Ordinal).ToList(),
            conditions,
            isObject,
            includesTexts,
            nodeIds is null ? null : new HashSet<string>(nodeIds, StringComparer.Ordinal),
            maxTokens);
    }

    private static void ThrowIfAny(SchemaNode body)
    {
        if (body.Faults.Count > 0)
        {
            throw new SchemaException(body.Faults);
        }
    }

    private static (string Collection, string Artifact) Delete(SchemaNode body) => (
        body.Text("collection", isRequired: true, maxLength: ArtifactStore.MaxNameLength) ?? "",
        body.Text("artifact", isRequired: true, maxLength: ArtifactStore.MaxNameLength) ?? "");

    private static List<MetadataCondition>? Conditions(SchemaNode context)
    {
        const string Field = "metadata_filter";
        if (context.List(Field) is not { } entries)
        {
            return null;
        }

        // One copy for the values of all: one for each would take ten times as much.
        List<MetadataCondition> conditions = [];
        foreach (JsonElement entry in entries.Clone().EnumerateArray().TakeWhile(_ => !context.IsFull))
        {
            conditions.Add(Condition(context, entry, context.At(Field, conditions.Count)));
        }

        return conditions;
    }

    private static MetadataCondition Condition(SchemaNode context, JsonElement entry, object[] at)
    {
        if (entry.ValueKind != JsonValueKind.Object)
        {
            context.Add("model_attributes_type", at, "Input should be a valid dictionary or object to extract fields from", entry);
            return new MetadataCondition("", false, default);
        }

        var node = new SchemaNode(entry, context.Faults, at);
        string key = node.Text("key", isRequired: true) ?? "";
        bool isEqual = (node.Word("operator", ["==", "!="]) ?? "==") == "==";
        return new MetadataCondition(key, isEqual, node.Find("value", isRequired: true, isNullable: false) ?? default);
    }

    private ArtifactIngest? Ingest(SchemaNode body, out object[] uriAt)
    {
        string? artifact = body.Text("artifact", isRequired: true, maxLength: ArtifactStore.MaxNameLength);
        string? collection = body.Text("collection", isRequired: false, maxLength: ArtifactStore.MaxNameLength);
        ArtifactInput? input = null;
        uriAt = [];
        if (body.Node("input", isRequired: true) is { } node)
        {
            input = Input(node, body.At("input"), out uriAt);
        }

        ItemMetadata metadata = Properties(body, "metadata", isAsSent: false) ?? ItemMetadata.Empty;
        return artifact is null || input is null ? null : new ArtifactIngest(collection ?? DefaultCollection, artifact, input) { Metadata = metadata };
    }

    private static ArtifactInput? Input(SchemaNode node, object[] at, out object[] uriAt)
    {
        uriAt = [];
        if (!node.Element.TryGetProperty("type", out JsonElement type))
        {
            node.Add("union_tag_not_found", at, "Unable to extract tag using discriminator 'type'", node.Element);
            return null;
        }

        string tag = type.ValueKind == JsonValueKind.String ? type.GetString()! : type.GetRawText();
        if (type.ValueKind != JsonValueKind.String || tag is not ("file" or "uri" or "text"))
        {
            node.Add("union_tag_invalid", at, $"Input tag '{tag}' found using 'type' does not match any of the expected tags: 'file', 'uri', 'text'", node.Element);
            return null;
        }

        object[] valueAt = [.. at, tag, "value"];
        if (tag == "file")
        {
            return File(node, valueAt);
        }

        if (node.Text("value", isRequired: true, at: valueAt) is not { } text)
        {
            return null;
        }

        if (tag == "text")
        {
            return ArtifactInput.FromText(text);
        }

        uriAt = valueAt;
        if (text.StartsWith("data:", StringComparison.OrdinalIgnoreCase) && DataOf(text) is { } data)
        {
            return ArtifactInput.FromFile(data, "downloaded_file");
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) && uri.Host.Length > 0)
        {
            return ArtifactInput.FromUri(uri);
        }

        node.AddValueError(valueAt, "URI must be http, https or a base64 data URI", node.Element.GetProperty("value"));
        return null;
    }

    private static ArtifactInput? File(SchemaNode node, object[] at)
    {
        if (node.Find("value", isRequired: true, isNullable: false, at) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.String)
        {
            node.Add("string_type", at, "Input should be a valid string", value);
            return null;
        }

        // As it stands in the body: the text of a large file would take twice as much again.
        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(value)[1..^1];
        byte[]? bytes = Decode(raw.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(value.GetString()!) : raw);
        if (bytes is { Length: > 0 })
        {
            return ArtifactInput.FromFile(bytes);
        }

        node.AddValueError(at, "File input requires valid base64 encoded content", value);
        return null;
    }

    /// <summary>The content of <c>data:[type];base64,...</c>; null for anything else.</summary>
    private static byte[]? DataOf(string uri)
    {
        const string Marker = ";base64,";
        int comma = uri.IndexOf(',', StringComparison.Ordinal);
        return comma >= 0 && uri[..(comma + 1)].EndsWith(Marker, StringComparison.OrdinalIgnoreCase)
            ? Decode(Encoding.UTF8.GetBytes(uri[(comma + 1)..]))
            : null;
    }

    /// <summary>Decodes canonical base64 with blanks around it; null for anything else.</summary>
    private static byte[]? Decode(ReadOnlySpan<byte> text)
    {
        text = text.Trim(" \t\r\n"u8);
        if (text.Length % 4 != 0 || text.ContainsAny(" \t\r\n"u8))
        {
            return null;
        }

        byte[] bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        if (Base64.DecodeFromUtf8(text, bytes, out int used, out int written) != OperationStatus.Done || used != text.Length)
        {
            return null;
        }

        // The bits that the last characters have too many must be zero.
        int tail = written % 3 == 0 ? Math.Min(3, written) : written % 3;
        Span<byte> again = stackalloc byte[4];
        Base64.EncodeToUtf8(bytes.AsSpan(written - tail, tail), again, out _, out int length);
        return again[..length].SequenceEqual(text[^length..]) ? bytes[..written] : null;
    }

    private ArtifactCallback? Callback(SchemaNode body)
    {
        if (body.Node("callback", isRequired: false) is not { } callback)
        {
            return null;
        }

        ArtifactCallback? read = null;
        if (callback.Node("amqp", isRequired: true) is { } amqp)
        {
            read = new ArtifactCallback(amqp.ShortText("exchange", isRequired: true, ArtifactCallback.MaxNameBytes) ?? "")
            {
                RoutingKeyDone = amqp.ShortText("routing_key_done", isRequired: false, ArtifactCallback.MaxNameBytes),
                RoutingKeyProgress = amqp.ShortText("routing_key_progress", isRequired: false, ArtifactCallback.MaxNameBytes),
                RoutingKeyError = amqp.ShortText("routing_key_error", isRequired: false, ArtifactCallback.MaxNameBytes),
            };
        }

        ItemMetadata? properties = Properties(callback, "properties", isAsSent: true);
        return read is null ? null : read with { Properties = properties };
    }

    private ItemMetadata? Properties(SchemaNode node, string name, bool isAsSent)
    {
        if (node.Dictionary(name) is not { } value)
        {
            return null;
        }

        ItemMetadata properties = isAsSent ? ItemMetadata.FromUtf8Json(JsonMarshal.GetRawUtf8Value(value)) : ItemMetadata.FromElement(value);
        if (properties.Utf8Json.Length > maxMetadataBytes)
        {
            node.AddValueError(node.At(name), $"{name} has {properties.Utf8Json.Length} bytes; the limit is {maxMetadataBytes}", value);
        }
        else if (properties.Depth() is > ItemMetadata.MaxDepth and var depth)
        {
            node.AddValueError(node.At(name), $"{name} is {depth} levels deep; the limit is {ItemMetadata.MaxDepth}", value);
        }

        return properties;
    }

    private void CheckUri(SchemaNode body, ArtifactIngest ingest, object[] at)
    {
        if (ingest.Input.Kind == ArtifactInputKind.Uri)
        {
            var uri = new Uri(Encoding.UTF8.GetString(ingest.Input.Content.Span));
            if (uriReader?.Allows(uri) != true)
            {
                body.AddValueError(at, $"URI host '{uri.Host}' is not on the allow-list", body.Element.GetProperty("input").GetProperty("value"));
                ThrowIfAny(body);
            }
        }
    }
}
