using Moorcheh.Storage;

namespace Moorcheh.Jobs;

/// <summary>The item errors of jobs in the record store: number of omitted errors (4), number of errors (4), then index (4), id, message.</summary>
internal static class JobErrorRecords
{
    public static void Save(IRecordStore records, JobEntry job)
    {
        if (job.Errors.Errors.Count == 0)
        {
            return;
        }

        var writer = new ByteWriter();
        writer.Int32(job.Errors.Omitted);
        writer.Int32(job.Errors.Errors.Count);
        foreach (ItemError error in job.Errors.Errors)
        {
            writer.Int32(error.Index);
            writer.String(error.Id);
            writer.String(error.Message);
        }

        records.Upsert(Key(job.Id), writer.Written);
    }

    public static async ValueTask<JobErrors> LoadAsync(IRecordStore records, Guid jobId)
    {
        using RecordLease lease = await records.ReadAsync(Key(jobId)).ConfigureAwait(false);
        return lease.IsFound ? Parse(lease.Body) : JobErrors.None;
    }

    public static RecordKey Key(Guid jobId) => new(RecordKind.JobErrors, jobId, 0);

    public static void Delete(IRecordStore records, Guid jobId) => records.Delete(Key(jobId));

    private static JobErrors Parse(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        int omitted = reader.Int32();
        var errors = new ItemError[reader.Int32()];
        for (int i = 0; i < errors.Length; i++)
        {
            errors[i] = new ItemError(reader.Int32(), reader.String(), reader.String());
        }

        return new JobErrors(errors, omitted);
    }
}
