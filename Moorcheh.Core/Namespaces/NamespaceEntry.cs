using System.Collections.Concurrent;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Index;
using Moorcheh.Jobs;
using Moorcheh.Storage;

namespace Moorcheh.Namespaces;

/// <summary>
/// A namespace in memory. <see cref="WriteLock"/> is held while entries about its items are journalled and applied, so their order in
/// the journal is the order of their effects; <see cref="Lock"/> guards the fields below it.
/// </summary>
internal sealed class NamespaceEntry(
    Guid incarnation, string name, NamespaceKind kind, int? dimension, DateTimeOffset createdAt)
{
    private volatile NamespaceIndex _index = new(SeedOf(incarnation));

    public Guid Incarnation { get; } = incarnation;

    public string Name { get; } = name;

    public NamespaceKind Kind { get; } = kind;

    public int? Dimension { get; } = dimension;

    public DateTimeOffset CreatedAt { get; } = createdAt;

    /// <summary>One writer at a time. Never held while embedding.</summary>
    public SemaphoreSlim WriteLock { get; } = new(1, 1);

    /// <summary>Another one takes its place when the namespace was embedded again: whoever looks twice may see two.</summary>
    public NamespaceIndex Index
    {
        get => _index;
        private set => _index = value;
    }

    /// <summary>The name of the index in the last checkpoint; empty when it was empty.</summary>
    public Guid IndexToken { get; set; }

    /// <summary>Tidying failed; it is tried again at this <c>Environment.TickCount64</c>.</summary>
    public long TidyNotBefore { get; set; }

    /// <summary>Why tidying failed; null when it did not, or succeeded since.</summary>
    public Exception? TidyFailure { get; set; }

    /// <summary>Processes in a row that ended while its index was tidied.</summary>
    public int TidyEnds { get; set; }

    /// <summary>Cancelled when the namespace is deleted: running embeddings stop.</summary>
    public CancellationTokenSource Deleted { get; } = new();

    /// <summary>The effect of entries that were appended and may not have happened yet; see <c>ChangeLog</c>.</summary>
    public Func<ValueTask>? Unfinished { get; set; }

    /// <summary>Why the namespace takes no more changes; null while all is well.</summary>
    public volatile Exception? Failure;

    public Lock Lock { get; } = new();

    public volatile NamespaceState State = NamespaceState.Active;

    public DateTimeOffset UpdatedAt { get; set; } = createdAt;

    /// <summary>Number of the next item record; changed by the writer only.</summary>
    public long NextRecord { get; set; }

    public long StoredBytes { get; set; }

    /// <summary>
    /// What the live item records take in the record log at most: the data, and for each item the record's header (8 bytes), key (36), envelope
    /// (16), times and lengths (36), all padded. Too little here would make compaction go on for ever.
    /// </summary>
    public long LogBytes => StoredBytes + (128 * Index.Count) + (Reembedding is { } next ? next.StoredBytes + (128 * next.Index.Count) : 0);

    /// <summary>The embedder of the stored vectors; meaningless while the namespace is empty.</summary>
    public EmbedderFingerprint? Embedder { get; set; }

    /// <summary>The delete job, running or failed.</summary>
    public DeleteJobEntry? DeleteJob { get; set; }

    /// <summary>The records a delete has still to remove; null until it begins.</summary>
    public IEnumerator<long>? RecordsToRemove { get; set; }

    /// <summary>Records a delete has removed since the store was opened.</summary>
    public long RemovedRecords { get; set; }

    /// <summary>The unfinished job that embeds the texts again, with what it has built; null when there is none.</summary>
    public volatile ReembedJobEntry? Reembedding;

    /// <summary>Unfinished uploads in the order accepted.</summary>
    public LinkedList<UploadJobEntry> Uploads { get; } = [];

    /// <summary>Unfinished deletes by a filter in the order accepted.</summary>
    public LinkedList<ItemDeleteJobEntry> ItemDeletes { get; } = [];

    /// <summary>The delete by a filter that is to be worked on before anything else; null when none is.</summary>
    public ItemDeleteJobEntry? DueItemDelete
    {
        get
        {
            lock (Lock)
            {
                return ItemDeletes.First?.Value is { IsReady: true } first && !Uploads.Any(upload => first.Ahead.Contains(upload.Id)) ? first : null;
            }
        }
    }

    /// <summary>The artifacts stored in it; changed by the writer only.</summary>
    public ConcurrentDictionary<ArtifactKey, ArtifactEntry> Artifacts { get; } = new();

    /// <summary>True for a collection with a name that no namespace may have: only searches and the artifact calls find it.</summary>
    public bool IsHidden { get; } = !NamespaceRules.IsName(name);

    /// <summary>True while a worker has the namespace or it waits for one.</summary>
    public bool IsScheduled { get; set; }

    /// <summary>The embedder the items are bound to; null when there are none.</summary>
    public EmbedderFingerprint? BoundEmbedder => Kind == NamespaceKind.Text && Index.Count > 0 ? Embedder : null;

    /// <summary>Random, as an incarnation is.</summary>
    public static ulong SeedOf(Guid incarnation)
    {
        Span<byte> bytes = stackalloc byte[16];
        incarnation.TryWriteBytes(bytes);
        return BitConverter.ToUInt64(bytes) ^ BitConverter.ToUInt64(bytes[8..]);
    }

    public RecordKey ItemKey(long recordNumber) => new(RecordKind.Item, Incarnation, recordNumber);

    public RecordKey ArtifactMetadataKey(ArtifactEntry artifact) => new(RecordKind.ArtifactMetadata, Incarnation, artifact.FirstRecord);

    /// <summary>The artifact that an item is a chunk of; null for a plain item.</summary>
    public ArtifactEntry? FindOwner(ReadOnlySpan<byte> id) =>
        ArtifactKey.TryParse(id, out ArtifactKey key, out int index) && Artifacts.TryGetValue(key, out ArtifactEntry? artifact) && index < artifact.ChunkCount
            ? artifact
            : null;

    /// <summary>Takes an upload that is over out of the queue.</summary>
    public void Dequeue(UploadJobEntry job)
    {
        lock (Lock)
        {
            Uploads.Remove(job);
        }
    }

    /// <summary>Takes a delete by a filter that is over out of the queue.</summary>
    public void Dequeue(ItemDeleteJobEntry job)
    {
        lock (Lock)
        {
            ItemDeletes.Remove(job);
        }
    }

    /// <summary>
    /// Takes over what a re-embedding has built. The index comes before the embedder: who finds the new embedder must not find vectors of the old one.
    /// </summary>
    public void Adopt(ReembedJobEntry next)
    {
        if (next.Embedder is { } embedder)
        {
            StoredBytes = next.StoredBytes;
            Index = next.Index;
            Embedder = embedder;
        }

        NextRecord = ItemGeneration.Next(NextRecord);
    }

    public NamespaceInfo ToInfo()
    {
        lock (Lock)
        {
            return new NamespaceInfo
            {
                Name = Name,
                Kind = Kind,
                Dimension = Dimension,
                ItemCount = Index.Snapshot.Count,
                CreatedAt = CreatedAt,
                UpdatedAt = UpdatedAt,
                Embedder = BoundEmbedder,
                RunningJobs = Uploads.Count + ItemDeletes.Count + (Reembedding is null ? 0 : 1),
                StoredBytes = StoredBytes,
            };
        }
    }

    public void Write(ByteWriter writer)
    {
        writer.Guid(Incarnation);
        writer.String(Name);
        writer.Byte((byte)Kind);
        writer.Int32(Dimension ?? 0);
        writer.Time(CreatedAt);
        writer.Time(UpdatedAt);
        writer.Byte((byte)State);
        writer.Int64(NextRecord);
        writer.Int64(StoredBytes);
        writer.Guid(DeleteJob?.Id ?? Guid.Empty);
        EmbedderFingerprint.Write(writer, Embedder);
        writer.Guid(IndexToken);
    }

    public static (NamespaceEntry Entry, Guid DeleteJob) Read(ref ByteReader reader)
    {
        var entry = new NamespaceEntry(
            reader.Guid(),
            reader.String(),
            (NamespaceKind)reader.Byte(),
            reader.Int32() is var dimension and not 0 ? dimension : null,
            reader.Time())
        {
            UpdatedAt = reader.Time(),
            State = (NamespaceState)reader.Byte(),
            NextRecord = reader.Int64(),
            StoredBytes = reader.Int64(),
        };
        Guid deleteJob = reader.Guid();
        entry.Embedder = EmbedderFingerprint.Read(ref reader);
        entry.IndexToken = reader.Guid();
        return (entry, deleteJob);
    }
}
