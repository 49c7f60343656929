using System.Text;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A delete by a filter came further: items, which exist and pass it, are gone from here on; or it is over.</summary>
/// <param name="JobId">The job.</param>
/// <param name="At">When.</param>
/// <param name="IsEnd">True when it is over.</param>
/// <param name="Error">Why it failed; null when it did not.</param>
/// <param name="Ids">Of the items, UTF-8.</param>
internal sealed record ItemDeleteProgress(Guid JobId, DateTimeOffset At, bool IsEnd, string? Error, IReadOnlyList<byte[]> Ids) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)21;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Time(At);
        writer.Byte(IsEnd ? (byte)1 : (byte)0);
        writer.OptionalString(Error);
        writer.Int32(Ids.Count);
        foreach (byte[] id in Ids)
        {
            writer.Bytes(id);
        }
    }

    public static ItemDeleteProgress Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        Guid jobId = reader.Guid();
        DateTimeOffset at = reader.Time();
        bool isEnd = reader.Byte() != 0;
        string? error = reader.OptionalString();
        byte[][] ids = new byte[reader.Int32()][];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = reader.Bytes().ToArray();
        }

        return new ItemDeleteProgress(jobId, at, isEnd, error, ids);
    }

    public async ValueTask ApplyAsync(ChangeContext context)
    {
        StoreState state = context.State;
        if (state.Jobs.Find(JobId) is not ItemDeleteJobEntry { IsFinished: false } job || state.Find(job.Incarnation) is not { } entry)
        {
            return;
        }

        if (Ids.Count > 0)
        {
            var items = new ItemWriter(state.Records, entry);
            foreach (byte[] id in Ids)
            {
                await items.RemoveAsync(Encoding.UTF8.GetString(id)).ConfigureAwait(false);
            }

            await items.PublishAsync(At).ConfigureAwait(false);
            items.DeleteGone();
            state.Quota.Remove(Ids.Count);
            state.Jobs.Progress(job, Ids.Count, At);
        }

        if (IsEnd)
        {
            entry.Dequeue(job); // Before anybody can read that it has finished.
            state.Jobs.End(job, Error, At);
        }
    }
}
