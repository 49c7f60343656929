using System.Text.Json;
using Moorcheh.Http.Contracts;
using Moorcheh.Http.Errors;
using Moorcheh.Http.Json;

namespace Moorcheh.Http.Endpoints;

/// <summary>Counting items by their metadata, and changing these.</summary>
internal sealed class MetadataEndpoints(StoreAccess access)
{
    public void Map(RouteTable routes)
    {
        routes.Post("/namespaces/{namespace_name}/items/count", CountAsync);
        routes.Patch("/namespaces/{namespace_name}/items/{item_id}", PatchAsync);
    }

    private async Task<JsonAnswer<ItemCountResponse>> CountAsync(HttpContext http)
    {
        string name = http.GetNamespaceName();
        MoorchehStore store = access.Store;
        Filter? filter;
        using (RequestBody body = await RequestBody.ReadAsync(http, RequestBody.MaxSmallBytes))
        {
            using JsonDocument document = body.Parse();
            store.GetNamespace(name);
            filter = document.Root().FindFilter();
        }

        long count = await store.CountItemsAsync(name, filter, http.RequestAborted);
        return new(new ItemCountResponse(Wire.Success, name, count), WireJson.Default.ItemCountResponse);
    }

    private async Task<PatchedAnswer> PatchAsync(HttpContext http)
    {
        string name = http.GetNamespaceName();
        string id = http.GetItemId();
        MoorchehStore store = access.Store;
        ItemMetadata patch;
        using (RequestBody body = await RequestBody.ReadAsync(http, RequestBody.MaxSmallBytes))
        {
            using JsonDocument document = body.Parse();
            store.GetNamespace(name);
            JsonElement sent = document.Root().Find("metadata", JsonValueKind.Object, "an object") ?? throw RequestErrors.MissingField("metadata");
            patch = ItemMetadata.FromElement(sent);
        }

        return new PatchedAnswer(name, id, await store.PatchMetadataAsync(name, id, patch, http.RequestAborted));
    }

    /// <summary>The item as it is then, metadata as they are stored.</summary>
    private sealed class PatchedAnswer(string name, string id, ItemMetadata metadata) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => JsonOutput.WriteAsync(httpContext, StatusCodes.Status200OK, Write);

        private void Write(Utf8JsonWriter writer)
        {
            writer.WriteStartObject();
            writer.WriteString("status"u8, Wire.Success);
            writer.WriteString("message"u8, $"Metadata of item '{id}' updated.");
            writer.WriteString("namespace_name"u8, name);
            writer.WriteString("id"u8, id);
            writer.WritePropertyName("metadata"u8);
            writer.WriteRawValue(metadata.Utf8Json.Span, skipInputValidation: true);
            writer.WriteEndObject();
        }
    }
}
