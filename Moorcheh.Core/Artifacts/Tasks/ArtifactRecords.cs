using Moorcheh.Storage;

namespace Moorcheh.Artifacts.Tasks;

/// <summary>The metadata of artifacts, and of what tasks stored, in the record store.</summary>
internal static class ArtifactRecords
{
    public static RecordKey ResultKey(Guid jobId) => new(RecordKind.ArtifactTaskResult, jobId, 0);

    /// <summary>Reads one; null when it is gone.</summary>
    public static async ValueTask<ItemMetadata?> FindAsync(IRecordStore records, RecordKey key)
    {
        using RecordLease lease = await records.ReadAsync(key).ConfigureAwait(false);
        return lease.IsFound ? ItemMetadata.FromStored(lease.Body) : null;
    }
}
