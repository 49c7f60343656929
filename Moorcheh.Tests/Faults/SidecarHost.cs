using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Faults;

/// <summary>A store behind HTTP. Its checkpoints come by themselves.</summary>
internal sealed class SidecarHost(ApiClient api) : IFaultHost
{
    public async Task CreateAsync(FaultWorkload workload)
    {
        while (true)
        {
            ApiAnswer answer = await api.PostAsync("/namespaces", workload.IsText
                ? new { namespace_name = workload.Name, type = "text" }
                : new { namespace_name = workload.Name, type = "vector", vector_dimension = FaultWorkload.Dimension });
            if (answer.Status == 201 || answer.String("code") == ErrorCodes.NamespaceExists)
            {
                break;
            }

            Assert.That(answer.String("code"), Is.EqualTo(ErrorCodes.NamespaceDeleting), answer.Text);
            await Task.Delay(20);
        }

        // A delete of items would not touch what still waits in an upload that was accepted before the crash.
        while ((await api.GetAsync($"/jobs?namespace={workload.Name}&status=running")).AssertStatus(200)["jobs"].GetArrayLength() > 0)
        {
            await Task.Delay(20);
        }
    }

    public async Task<string> UploadAsync(FaultWorkload workload, IReadOnlyList<(string Id, int Version)> items)
    {
        ApiAnswer answer = await api.PostAsync($"/namespaces/{workload.Name}/vectors", new
        {
            vectors = items.Select(item => FaultWorkload.Vector(item.Id, item.Version)).Select(item => new
            {
                id = item.Id,
                vector = item.Vector.ToArray(),
                v = item.Metadata!.ToElement().GetProperty("v").GetInt32(),
                pad = item.Metadata.ToElement().GetProperty("pad").GetString(),
            }),
        });
        return answer.AssertStatus(202).String("job_id")!;
    }

    public async Task DeleteItemsAsync(FaultWorkload workload, IReadOnlyList<string> ids) =>
        (await api.PostAsync($"/namespaces/{workload.Name}/items/delete", new { ids })).AssertStatus(200);

    public async Task<string> DeleteBelowAsync(FaultWorkload workload, int version) =>
        (await api.PostAsync($"/namespaces/{workload.Name}/items/delete", $$$"""{"filter":{"v":{"$lt":{{{version}}} } } }""")).AssertStatus(202).String("job_id")!;

    public async Task PatchAsync(FaultWorkload workload, string id)
    {
        ApiAnswer found = (await api.PostAsync($"/namespaces/{workload.Name}/items/get", new { ids = (string[])[id] })).AssertStatus(200);
        if (found["items"].GetArrayLength() > 0)
        {
            int version = FaultWorkload.VersionOf(ItemMetadata.FromElement(found["items"][0].GetProperty("metadata")));
            string patch = new System.Text.Json.Nodes.JsonObject { ["metadata"] = FaultWorkload.Patch(version) }.ToJsonString();
            (await api.PatchAsync($"/namespaces/{workload.Name}/items/{id}", patch)).AssertStatus(200);
        }
    }

    public async Task<string> DropAsync(FaultWorkload workload) =>
        (await api.DeleteAsync($"/namespaces/{workload.Name}")).AssertStatus(202).String("job_id")!;

    public Task CheckpointAsync() => Task.CompletedTask;

    public async Task ReembedAsync(FaultWorkload workload) =>
        Assert.That((await api.PostAsync($"/namespaces/{workload.Name}/reembed", [])).Status, Is.AnyOf(202, 409));

    public async Task WaitAsync(FaultWorkload workload, string jobId, bool isDrop)
    {
        while (!isDrop && (await api.GetAsync($"/jobs/{jobId}")).AssertStatus(200)["job"] is var job && job.GetProperty("type").GetString() == "delete_items")
        {
            if (job.GetProperty("status").GetString() != "running")
            {
                return;
            }

            await Task.Delay(5);
        }

        string path = $"/namespaces/{workload.Name}/{(isDrop ? "delete-jobs" : "upload-jobs")}/{jobId}?wait=30";
        while ((await api.GetAsync(path)).AssertStatus(200).String("status") == "running")
        {
        }
    }
}
