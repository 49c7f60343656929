namespace Moorcheh.Changes;

/// <summary>What changes are applied to, and what of the journal they need.</summary>
internal sealed class ChangeContext(StoreState state, ChunkReader chunks)
{
    public StoreState State { get; } = state;

    public ChunkReader Chunks { get; } = chunks;

    /// <summary>Where the journal has the entry that replay applies.</summary>
    public long Address { get; set; }

    /// <summary>Jobs whose acceptance is taken back further on in the journal that is replayed.</summary>
    public HashSet<Guid> Aborted { get; } = [];
}
