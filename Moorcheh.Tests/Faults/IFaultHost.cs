namespace Moorcheh.Tests.Faults;

/// <summary>A running store, here or behind HTTP, that may die at any moment.</summary>
internal interface IFaultHost
{
    /// <summary>Creates a namespace if there is none.</summary>
    Task CreateAsync(FaultWorkload workload);

    /// <returns>The job.</returns>
    Task<string> UploadAsync(FaultWorkload workload, IReadOnlyList<(string Id, int Version)> items);

    Task DeleteItemsAsync(FaultWorkload workload, IReadOnlyList<string> ids);

    /// <returns>The job.</returns>
    Task<string> DeleteBelowAsync(FaultWorkload workload, int version);

    /// <summary>Nothing happens to an item that is not there.</summary>
    Task PatchAsync(FaultWorkload workload, string id);

    /// <returns>The job.</returns>
    Task<string> DropAsync(FaultWorkload workload);

    Task CheckpointAsync();

    /// <summary>Begins to embed the namespace again, unless that is under way.</summary>
    Task ReembedAsync(FaultWorkload workload);

    /// <summary>Waits until a job is over.</summary>
    Task WaitAsync(FaultWorkload workload, string jobId, bool isDrop);
}
