using System.Text;
using Moorcheh.Artifacts;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>
/// A task on an artifact is accepted: an ingest, whose payload precedes this entry, or a delete. The ingests that a delete revokes end here.
/// </summary>
internal sealed record ArtifactTaskAccepted(
    Guid JobId, bool IsIngest, bool IsSync, DateTimeOffset At, string Collection, string Artifact, IReadOnlyList<Guid> Revoked) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)13;

    public JournalEntryType Type => TypeNumber;

    public ArtifactInputKind InputKind { get; init; }

    public string FileName { get; init; } = string.Empty;

    public ItemMetadata Metadata { get; init; } = ItemMetadata.Empty;

    /// <summary>Addresses of the parts of the payload, in order.</summary>
    public IReadOnlyList<long> Parts { get; init; } = [];

    public int PayloadBytes { get; init; }

    public ArtifactCallback? Callback { get; init; }

    /// <summary>Not written: the task, which live work queues before it is on disk.</summary>
    public ArtifactTaskEntry? Task { get; set; }

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Byte((byte)((IsIngest ? 1 : 0) | (IsSync ? 2 : 0) | (Callback is null ? 0 : 4)));
        writer.Time(At);
        writer.String(Collection);
        writer.String(Artifact);
        writer.Int32(Revoked.Count);
        foreach (Guid revoked in Revoked)
        {
            writer.Guid(revoked);
        }

        writer.Byte((byte)InputKind);
        writer.String(FileName);
        writer.Bytes(Metadata.Utf8Json.Span);
        writer.Int32(Parts.Count);
        foreach (long part in Parts)
        {
            writer.Int64(part);
        }

        writer.Int32(PayloadBytes);
        if (Callback is not null)
        {
            writer.String(Callback.Exchange);
            writer.OptionalString(Callback.RoutingKeyDone);
            writer.OptionalString(Callback.RoutingKeyProgress);
            writer.OptionalString(Callback.RoutingKeyError);
            writer.OptionalString(Callback.Properties?.ToString());
        }
    }

    public static ArtifactTaskAccepted Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        Guid jobId = reader.Guid();
        byte flags = reader.Byte();
        DateTimeOffset at = reader.Time();
        string collection = reader.String();
        string artifact = reader.String();
        var revoked = new Guid[reader.Int32()];
        for (int i = 0; i < revoked.Length; i++)
        {
            revoked[i] = reader.Guid();
        }

        var inputKind = (ArtifactInputKind)reader.Byte();
        string fileName = reader.String();
        ItemMetadata metadata = ItemMetadata.FromStored(reader.Bytes());
        long[] parts = new long[reader.Int32()];
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = reader.Int64();
        }

        return new ArtifactTaskAccepted(jobId, (flags & 1) != 0, (flags & 2) != 0, at, collection, artifact, revoked)
        {
            InputKind = inputKind,
            FileName = fileName,
            Metadata = metadata,
            Parts = parts,
            PayloadBytes = reader.Int32(),
            Callback = (flags & 4) == 0
                ? null
                : new ArtifactCallback(reader.String())
                {
                    RoutingKeyDone = reader.OptionalString(),
                    RoutingKeyProgress = reader.OptionalString(),
                    RoutingKeyError = reader.OptionalString(),
                    Properties = reader.OptionalString() is { } json ? ItemMetadata.FromStored(Encoding.UTF8.GetBytes(json)) : null,
                },
        };
    }

    /// <param name="address">Where the journal has this entry.</param>
    public ArtifactTaskEntry ToTask(long address) => new(JobId, Collection, Artifact, IsIngest, At, Parts.Count > 0 ? Parts[0] : address)
    {
        IsSync = IsSync,
        HasRevoked = Revoked.Count > 0,
        Callback = Callback is null ? null : new TaskCallback(IsIngest) { Target = Callback },
        CallbackBytes = ArtifactTaskEntry.SizeOf(Callback),
        Address = address,
    };

    /// <summary>The task can be found, and the ingests it revokes have ended.</summary>
    public async ValueTask ApplyAsync(ChangeContext context)
    {
        StoreState state = context.State;
        ArtifactTaskEntry? task = Task;
        if (task is null)
        {
            if (context.Aborted.Contains(JobId))
            {
                return;
            }

            task = ToTask(context.Address);
            state.Restore(task);
        }

        state.Jobs.Accept(task);
        List<ArtifactTaskEntry> ended = [];
        foreach (Guid id in Revoked)
        {
            if (state.Jobs.Find(id) is ArtifactTaskEntry { IsFinished: false } revoked)
            {
                state.End(revoked, ArtifactTaskState.Revoked, null, null, At);
                ended.Add(revoked);
            }
        }

        lock (state.Artifacts.Lock)
        {
            task.IsReady = true;
        }

        foreach (ArtifactTaskEntry revoked in ended)
        {
            await revoked.Cancellation.CancelAsync().ConfigureAwait(false);
        }
    }
}
