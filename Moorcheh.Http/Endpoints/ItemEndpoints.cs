using System.Diagnostics;
using System.Text.Json;
using Moorcheh.Http.Contracts;
using Moorcheh.Http.Errors;
using Moorcheh.Http.Json;
using Moorcheh.Http.Transfers;

namespace Moorcheh.Http.Endpoints;

/// <summary>Reading and deleting items.</summary>
internal sealed class ItemEndpoints(StoreAccess access, LinkGenerator links)
{
    public void Map(RouteTable routes)
    {
        routes.Post("/namespaces/{namespace_name}/items/get", GetAsync);
        routes.Post("/namespaces/{namespace_name}/items/delete", DeleteAsync);
        routes.Get("/namespaces/{namespace_name}/documents/fetch-text-data", FetchTextDataAsync);
    }

    private async Task<StreamAnswer> GetAsync(HttpContext http)
    {
        string name = http.GetNamespaceName();
        MoorchehStore store = access.Store;
        List<string> ids = await ReadIdsAsync(http, store, name);
        return await StreamAnswer.FindAsync(http, store, async found =>
        {
            await store.GetItemsAsync(name, ids, found, http.RequestAborted);
            return stream => WriteItemsAsync(stream, name, ids.Count, found);
        });
    }

    private static async ValueTask WriteItemsAsync(JsonStream stream, string name, int requested, PinnedItems found)
    {
        Utf8JsonWriter writer = stream.Writer;
        writer.WriteStartObject();
        writer.WriteString("status"u8, Wire.Success);
        writer.WriteString("message"u8, $"Successfully retrieved {found.Count} items from namespace '{name}'.");
        writer.WriteNumber("requested_ids"u8, requested);
        writer.WriteNumber("found_items"u8, found.Count);
        writer.WriteStartArray("items"u8);
        for (int i = 0; i < found.Count; i++)
        {
            StoredItem item = await found.ReadAsync(i);
            writer.WriteStartObject();
            writer.WriteString("id"u8, item.Id.Span);
            ItemJson.WriteMetadata(writer, item);
            if (item.Text is { } text)
            {
                writer.WritePropertyName("text"u8);
                await stream.WriteTextAsync(text);
            }

            writer.WriteEndObject();
            await stream.FlushAsync();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private async Task<IResult> DeleteAsync(HttpContext http)
    {
        string name = http.GetNamespaceName();
        MoorchehStore store = access.Store;
        List<string> ids;
        Filter? filter;
        using (RequestBody body = await RequestBody.ReadAsync(http, RequestBody.MaxSmallBytes))
        {
            using JsonDocument document = body.Parse();
            store.GetNamespace(name);
            JsonElement root = document.Root();
            filter = root.FindFilter();
            if (filter is not null && root.Find("ids") is not null)
            {
                throw new MoorchehException(ErrorCodes.InvalidFilter, "Fields 'ids' and 'filter' must not be sent together.");
            }

            ids = filter is null ? ReadIds(root) : [];
        }

        return filter is null ? await DeleteIdsAsync(http, store, name, ids) : await StartDeleteAsync(http, store, name, filter);
    }

    private async Task<JsonAnswer<ItemDeleteStartedResponse>> StartDeleteAsync(HttpContext http, MoorchehStore store, string name, Filter filter)
    {
        Job<ItemDeleteJobStatus> job = await store.DeleteItemsAsync(name, filter, http.RequestAborted);
        return new(
            new ItemDeleteStartedResponse(
                Wire.Success, "Delete by filter started. Poll job status for progress.", job.Id, job.Namespace, job.Status.TotalItems),
            WireJson.Default.ItemDeleteStartedResponse,
            StatusCodes.Status202Accepted,
            links.GetPathByName(http, RouteNames.Job, new { job_id = job.Id }));
    }

    private static async Task<JsonAnswer<ItemsDeletedResponse>> DeleteIdsAsync(HttpContext http, MoorchehStore store, string name, List<string> ids)
    {
        ItemDeletion done = await store.DeleteItemsAsync(name, ids, http.RequestAborted);
        return new(
            new ItemsDeletedResponse(
                Wire.Success,
                "Delete by ids completed.",
                name,
                ids.Count,
                done.DeletedIds.Count,
                done.NotFoundIds,
                done.DeletedIds,
                done.DeletedIds.Count),
            WireJson.Default.ItemsDeletedResponse);
    }

    private async Task<StreamAnswer> FetchTextDataAsync(HttpContext http)
    {
        long start = Stopwatch.GetTimestamp();
        string name = http.GetNamespaceName();
        MoorchehStore store = access.Store;
        if (store.GetNamespace(name).Kind != NamespaceKind.Text)
        {
            throw RequestErrors.WrongNamespaceType(name, NamespaceKind.Vector, "fetch-text-data needs");
        }

        int limit = http.GetLimit(MoorchehStore.MaxIds, MoorchehStore.MaxIds);
        string? afterId = null;
        if (http.FindQuery("next_token") is { } token && !PageToken.TryReadItem(name, token, out afterId))
        {
            throw new MoorchehException(HttpErrorCodes.InvalidToken, $"Query parameter 'next_token' is not a token of namespace '{name}'.");
        }

        return await StreamAnswer.FindAsync(http, store, async found =>
        {
            var statistics = new TextStatistics();
            bool hasMore = await store.ListItemsAsync(name, found, limit, afterId, statistics.Add, http.RequestAborted);
            Transfer.Of(http).Hold(statistics.MemoryBytes);
            var pagination = new Pagination(limit, hasMore, hasMore ? PageToken.ForItem(name, statistics.LastId!) : null);
            return stream => WritePageAsync(stream, name, found, statistics, pagination, start);
        });
    }

    private static async ValueTask WritePageAsync(
        JsonStream stream, string name, PinnedItems found, TextStatistics statistics, Pagination pagination, long start)
    {
        decimal seconds = Wire.Seconds(Stopwatch.GetElapsedTime(start));
        Utf8JsonWriter writer = stream.Writer;
        writer.WriteStartObject();
        writer.WriteString("status"u8, Wire.Success);
        writer.WriteString("message"u8, $"Fetched {found.Count} text items from namespace '{name}'.");
        writer.WriteString("namespace"u8, name);
        writer.WritePropertyName("statistics"u8);
        await statistics.WriteAsync(stream);
        writer.WriteStartArray("items"u8);
        for (int i = 0; i < found.Count; i++)
        {
            StoredItem item = await found.ReadAsync(i);
            writer.WriteStartObject();
            writer.WriteString("id"u8, item.Id.Span);
            writer.WritePropertyName("text"u8);
            await stream.WriteTextAsync(item.Text ?? default);
            ItemJson.WriteMetadata(writer, item);
            writer.WriteString("created_at"u8, Wire.Time(item.CreatedAt));
            writer.WriteBoolean("is_summary"u8, false);
            writer.WriteEndObject();
            await stream.FlushAsync();
        }

        writer.WriteEndArray();
        writer.WritePropertyName("pagination"u8);
        JsonSerializer.Serialize(writer, pagination, WireJson.Default.Pagination);
        writer.WriteNumber("execution_time"u8, seconds);
        writer.WriteEndObject();
    }

    private static async Task<List<string>> ReadIdsAsync(HttpContext http, MoorchehStore store, string namespaceName)
    {
        using RequestBody body = await RequestBody.ReadAsync(http, RequestBody.MaxSmallBytes);
        using JsonDocument document = body.Parse();
        store.GetNamespace(namespaceName);
        return ReadIds(document.Root());
    }

    private static List<string> ReadIds(JsonElement root) => root.GetStrings("ids", MoorchehStore.MaxIds, ErrorCodes.TooManyIds, "Id", CheckId);

    private static void CheckId(string id, int index)
    {
        if (id.Length == 0)
        {
            throw new MoorchehException(ErrorCodes.InvalidId, $"Id {index} is an empty string.");
        }
    }
}
