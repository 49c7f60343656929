using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Recorded;

/// <summary>All that can be seen of a store from outside, as JSON with names of its own, so that it outlives the names of the API.</summary>
internal static class StoreSnapshot
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Takes it.</summary>
    /// <param name="store">Where nothing happens any more.</param>
    /// <param name="hidden">Names of namespaces that are not listed.</param>
    /// <param name="taskIds">Tasks on artifacts to look for.</param>
    /// <param name="sent">What the store has sent.</param>
    /// <param name="searches">What to search for.</param>
    public static async Task<string> TakeAsync(
        MoorchehStore store,
        IReadOnlyList<string> hidden,
        IReadOnlyList<string> taskIds,
        IReadOnlyList<CallbackMessage> sent,
        IReadOnlyList<SearchRequest> searches)
    {
        var items = new JsonObject();
        var collections = new JsonObject();
        foreach (NamespaceInfo found in store.ListNamespaces())
        {
            items[found.Name] = await ListItemsAsync(store, found.Name);
            collections[found.Name] = await ListArtifactsAsync(store, found.Name);
        }

        StoreStatus status = store.GetStatus();
        return new JsonObject
        {
            ["items"] = status.Items,
            ["reserved"] = status.ReservedItems,
            ["namespaces"] = Array(store.ListNamespaces(), Describe),
            ["hidden"] = Array(hidden, name => DescribeHidden(store, name)),
            ["jobs"] = await ArrayAsync(store.Jobs.List(new JobFilter { Limit = JobCollection.MaxListed }), job => DescribeAsync(store, job)),
            ["tasks"] = await ArrayAsync(taskIds, id => DescribeTaskAsync(store, id)),
            ["itemsOf"] = items,
            ["artifactsOf"] = collections,
            ["messages"] = Array(sent.OrderBy(message => message.MessageId.Split(':')[0], StringComparer.Ordinal), Describe),
            ["searches"] = await ArrayAsync(searches, search => DescribeAsync(store, search)),
        }.ToJsonString(Readable);
    }

    private static JsonObject Describe(NamespaceInfo info) => new()
    {
        ["name"] = info.Name,
        ["kind"] = info.Kind.ToString(),
        ["dimension"] = info.Dimension,
        ["items"] = info.ItemCount,
        ["created"] = Text(info.CreatedAt),
        ["updated"] = Text(info.UpdatedAt),
        ["embedder"] = info.Embedder is { } embedder ? $"{embedder.Provider} {embedder.Model} {embedder.Dimension}" : null,
        ["running"] = info.RunningJobs,
        ["bytes"] = info.StoredBytes,
    };

    private static JsonArray DescribeHidden(MoorchehStore store, string name)
    {
        MoorchehException refusal = Assert.Throws<MoorchehException>(() => store.GetNamespace(name))!;
        return [name, refusal.Code, refusal.Message];
    }

    private static JsonObject Describe(CallbackMessage message) => new()
    {
        ["id"] = message.MessageId,
        ["exchange"] = message.Exchange,
        ["key"] = message.RoutingKey,
        ["body"] = message.Text(),
    };

    private static async Task<JsonNode> ListItemsAsync(MoorchehStore store, string name)
    {
        var list = new JsonArray();
        foreach (string[] ids in (await store.ListIdsAsync(name)).Chunk(MoorchehStore.MaxIds))
        {
            foreach (Item item in await store.GetItemsAsync(name, ids))
            {
                list.Add((JsonNode)new JsonArray(item.Id, item.Text, item.Metadata.ToString(), Text(item.CreatedAt), Text(item.UpdatedAt)));
            }
        }

        return list;
    }

    private static async Task<JsonNode> ListArtifactsAsync(MoorchehStore store, string collection)
    {
        var list = new JsonArray();
        foreach (ArtifactInfo info in await store.Artifacts.ListAsync(collection))
        {
            ArtifactContent content = (await store.Artifacts.ReadAsync(collection, info.Artifact))!;
            list.Add((JsonNode)new JsonObject
            {
                ["name"] = info.Artifact,
                ["metadata"] = info.Metadata.ToString(),
                ["id"] = content.Id,
                ["chunks"] = Array(content.Chunks, chunk => new JsonArray(chunk.Id, chunk.Text)),
            });
        }

        return list;
    }

    private static async Task<JsonObject> DescribeAsync(MoorchehStore store, JobStatus job)
    {
        JsonObject described = Describe(job);
        switch (job)
        {
            case UploadJobStatus upload:
                described["total"] = upload.Total;
                described["processed"] = upload.Processed;
                described["successful"] = upload.Successful;
                described["failed"] = upload.Failed;
                break;
            case DeleteJobStatus delete:
                described["total"] = delete.TotalItems;
                described["deleted"] = delete.DeletedItems;
                described["freed"] = delete.FreedBytes;
                break;
        }

        JobErrors errors = (await store.Jobs.FindErrorsAsync(job.JobId))!;
        described["errors"] = Array(errors.Errors, error => new JsonArray(error.Index, error.Id, error.Message));
        described["omitted"] = errors.Omitted;
        return described;
    }

    private static async Task<JsonObject> DescribeTaskAsync(MoorchehStore store, string id)
    {
        ArtifactTaskStatus task = store.Artifacts.FindTask(id)!;
        JsonObject described = Describe(task);
        described["artifact"] = task.Artifact;
        described["task"] = task.TaskState.ToString();
        described["code"] = task.ErrorCode;
        described["skipped"] = task.IsSkipped;
        described["result"] = (await store.Artifacts.FindResultAsync(id))?.Metadata.ToString();
        return described;
    }

    private static JsonObject Describe(JobStatus job) => new()
    {
        ["id"] = job.JobId,
        ["kind"] = job.Kind.ToString(),
        ["namespace"] = job.NamespaceName,
        ["state"] = job.State.ToString(),
        ["cancelled"] = job.Cancelled,
        ["error"] = job.LastError,
        ["started"] = Text(job.StartedAt),
        ["updated"] = Text(job.UpdatedAt),
        ["finished"] = job.FinishedAt is { } at ? Text(at) : null,
    };

    private static async Task<JsonObject> DescribeAsync(MoorchehStore store, SearchRequest search) => new()
    {
        ["in"] = string.Join(' ', search.Namespaces),
        ["for"] = search.Text ?? string.Join(' ', search.Vector.ToArray()),
        ["where"] = search.Metadata?.ToString(),
        ["from"] = search.MinimumScore,
        ["hits"] = Array(
            (await store.SearchAsync(search)).Hits,
            hit => new JsonArray(hit.Namespace, hit.Id, hit.Score.ToString("R", CultureInfo.InvariantCulture), hit.Cosine.ToString("R", CultureInfo.InvariantCulture), hit.Label)),
    };

    private static JsonArray Array<T>(IEnumerable<T> all, Func<T, JsonNode> describe) => [.. all.Select(describe)];

    private static async Task<JsonArray> ArrayAsync<T>(IEnumerable<T> all, Func<T, Task<JsonObject>> describe)
    {
        var array = new JsonArray();
        foreach (T one in all)
        {
            array.Add((JsonNode)await describe(one));
        }

        return array;
    }

    private static string Text(DateTimeOffset time) => time.ToString("O", CultureInfo.InvariantCulture);
}
