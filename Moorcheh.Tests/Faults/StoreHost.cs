namespace Moorcheh.Tests.Faults;

/// <summary>A store in this process.</summary>
internal sealed class StoreHost(MoorchehStore store) : IFaultHost
{
    public async Task CreateAsync(FaultWorkload workload)
    {
        // What a crash left goes on by itself. A delete of items would not touch what still waits in an upload, and a name is free after the delete.
        foreach (JobStatus job in store.Jobs.List(new JobFilter { Namespace = workload.Name, State = JobState.Running, Limit = JobCollection.MaxListed }))
        {
            await store.Jobs.WaitAsync(job.Id);
        }

        if (store.FindNamespace(workload.Name) is null)
        {
            await store.CreateNamespaceAsync(workload.Name, workload.Kind, workload.IsText ? null : FaultWorkload.Dimension);
        }
    }

    public async Task<string> UploadAsync(FaultWorkload workload, IReadOnlyList<(string Id, int Version)> items)
    {
        Job<UploadJobStatus> job = workload.IsText
            ? await store.UploadDocumentsAsync(workload.Name, [.. items.Select(item => FaultWorkload.Document(item.Id, item.Version))])
            : await store.UploadVectorsAsync(workload.Name, [.. items.Select(item => FaultWorkload.Vector(item.Id, item.Version))]);
        return job.Id;
    }

    public Task DeleteItemsAsync(FaultWorkload workload, IReadOnlyList<string> ids) => store.DeleteItemsAsync(workload.Name, ids);

    public async Task<string> DeleteBelowAsync(FaultWorkload workload, int version) =>
        (await store.DeleteItemsAsync(workload.Name, Filter.LessThan("v", version))).Id;

    public async Task PatchAsync(FaultWorkload workload, string id)
    {
        if (await store.GetItemsAsync(workload.Name, [id]) is [Item item])
        {
            await store.PatchMetadataAsync(workload.Name, id, FaultWorkload.Patch(FaultWorkload.VersionOf(item.Metadata)));
        }
    }

    public async Task<string> DropAsync(FaultWorkload workload) => (await store.DeleteNamespaceAsync(workload.Name)).Id;

    public Task CheckpointAsync() => store.CheckpointAsync();

    public async Task ReembedAsync(FaultWorkload workload)
    {
        try
        {
            await store.ReembedNamespaceAsync(workload.Name);
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.NamespaceReembedding)
        {
            // The one before has not ended.
        }
    }

    public Task WaitAsync(FaultWorkload workload, string jobId, bool isDrop) => store.Jobs.WaitAsync(jobId);
}
