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
            input = InputRequest.Read(node, body.At("input"), out uriAt);
        }

        ItemMetadata metadata = Properties(body, "metadata", isAsSent: false) ?? ItemMetadata.Empty;
        return artifact is null || input is null ? null : new ArtifactIngest(collection ?? DefaultCollection, artifact, input) { Metadata = metadata };
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
