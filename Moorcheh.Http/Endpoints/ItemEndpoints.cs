using System.Diagnostics;
using System.Text.Json;
using Moorcheh.Http.Contracts;
using Moorcheh.Http.Errors;
using Moorcheh.Http.Json;

namespace Moorcheh.Http.Endpoints;

/// <summary>Reading and deleting items.</summary>
internal sealed class ItemEndpoints(StoreAccess access, MoorchehHttpOptions options)
{
    public void Map(RouteTable routes)
    {
        routes.Post("/namespaces/{namespace_name}/items/get", GetAsync);
        routes.Post("/namespaces/{namespace_name}/items/delete", DeleteAsync);
        routes.Get("/namespaces/{namespace_name}/documents/fetch-text-data", FetchTextDataAsync);
    }

    private async Task<JsonAnswer<ItemsResponse>> GetAsync(HttpContext http)
    {
        string name = http.GetNamespaceName();
        MoorchehStore store = access.Store;
        List<string> ids = await ReadIdsAsync(http, store, name);
        IReadOnlyList<Item> items = await store.GetItemsAsync(name, ids, http.RequestAborted);
        ItemEntry[] entries = [.. items.Select(item => new ItemEntry(item.Id, item.Metadata, item.Text))];
        return new(
            new ItemsResponse(
                Wire.Success, $"Successfully retrieved {entries.Length} items from namespace '{name}'.", ids.Count, entries.Length, entries),
            WireJson.Default.ItemsResponse);
    }

    private async Task<JsonAnswer<ItemsDeletedResponse>> DeleteAsync(HttpContext http)
    {
        string name = http.GetNamespaceName();
        MoorchehStore store = access.Store;
        List<string> ids = await ReadIdsAsync(http, store, name);
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

    private async Task<JsonAnswer<TextPageResponse>> FetchTextDataAsync(HttpContext http)
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

        ItemPage page = await store.ListItemsAsync(name, limit, afterId, http.RequestAborted);
        TextPageItem[] items =
        [
            .. page.Items.Select(item => new TextPageItem(item.Id, item.Text ?? "", item.Metadata, Wire.Time(item.CreatedAt), IsSummary: false)),
        ];
        return new(
            new TextPageResponse(
                Wire.Success,
                $"Fetched {items.Length} text items from namespace '{name}'.",
                name,
                TextStatistics.Of(page.Items),
                items,
                new Pagination(limit, page.HasMore, page.HasMore ? PageToken.ForItem(name, items[^1].Id) : null),
                Wire.Seconds(Stopwatch.GetElapsedTime(start))),
            WireJson.Default.TextPageResponse);
    }

    private async Task<List<string>> ReadIdsAsync(HttpContext http, MoorchehStore store, string namespaceName)
    {
        using RequestBody body = await RequestBody.ReadAsync(http, options.MaxBodyBytes);
        using JsonDocument document = body.Parse();
        store.GetNamespace(namespaceName);
        return document.Root().GetStrings("ids", MoorchehStore.MaxIds, ErrorCodes.TooManyIds, "Id", CheckId);
    }

    private static void CheckId(string id, int index)
    {
        if (id.Length == 0)
        {
            throw new MoorchehException(ErrorCodes.InvalidId, $"Id {index} is an empty string.");
        }
    }
}
