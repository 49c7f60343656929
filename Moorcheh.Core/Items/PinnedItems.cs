using Moorcheh.Items;

namespace Moorcheh;

/// <summary>
/// Items of one answer, in order, each of one version: they are read one by one, when they are wanted, and never all held in memory. Until the set is
/// disposed no update or delete takes them away, but a checkpoint does in whose time they were removed; so keep it for as long as an answer takes. Use it
/// from one thread at a time, for one call of <see cref="MoorchehStore"/>, or for several of <see cref="Artifacts.ArtifactStore.OpenAsync"/>.
/// </summary>
public sealed class PinnedItems : IDisposable
{
    /// <summary>Makes an empty set.</summary>
    /// <param name="store">The store whose items it is to hold.</param>
    public PinnedItems(MoorchehStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        Records = store.NewRecordSet();
    }

    /// <summary>Number of items.</summary>
    public int Count => Records.Count;

    /// <summary>Bytes of memory the set takes while its items are read one by one, as far as it has seen them.</summary>
    public long MemoryBytes => Records.MemoryBytes;

    internal RecordSet Records { get; }

    /// <summary>Reads an item; what it gives is valid until the next reading from this set.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.ItemGone"/>: it was replaced or removed, and a checkpoint could not wait; asking the store anew is safe.
    /// <see cref="ErrorCodes.StorageDamaged"/>, <see cref="ErrorCodes.ShuttingDown"/>.
    /// </exception>
    public async ValueTask<StoredItem> ReadAsync(int index) => new(await Records.ReadAsync(index).ConfigureAwait(false));

    /// <summary>Lets the items go.</summary>
    public void Dispose() => Records.Dispose();
}
