using Moorcheh.Jobs;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>An upload is accepted: its chunks precede this entry, and from here on it will be carried out.</summary>
internal sealed record UploadAccepted(
    Guid JobId, Guid Incarnation, DateTimeOffset At, int Total, long PayloadBytes, IReadOnlyList<ChunkReference> Chunks, byte[] Reserved) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)4;

    public JournalEntryType Type => TypeNumber;

    /// <summary>Not written: the job, which live work queues before it is on disk.</summary>
    public UploadJobEntry? Job { get; set; }

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Guid(Incarnation);
        writer.Time(At);
        writer.Int32(Total);
        writer.Int64(PayloadBytes);
        ChunkReference.WriteAll(writer, Chunks);
        writer.Bytes(Reserved);
    }

    public static UploadAccepted Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new UploadAccepted(
            reader.Guid(), reader.Guid(), reader.Time(), reader.Int32(), reader.Int64(), ChunkReference.ReadAll(ref reader), reader.Bytes().ToArray());
    }

    public UploadJobEntry ToJob(string namespaceName) =>
        new(JobId, Incarnation, namespaceName, At, Total) { Chunks = Chunks, PayloadBytes = PayloadBytes, Reserved = Reserved };

    public ValueTask ApplyAsync(ChangeContext context)
    {
        if (Job is not null)
        {
            context.State.Jobs.Accept(Job);
            Job.IsReady = true;
        }
        else if (context.State.Find(Incarnation) is { } entry)
        {
            context.State.Restore(ToJob(entry.Name));
        }

        return ValueTask.CompletedTask;
    }
}
