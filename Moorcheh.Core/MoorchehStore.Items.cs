
namespace Moorcheh;

public sealed partial class MoorchehStore
{
    /// <summary>
    /// Uploads texts. The whole batch is checked first; when this returns, job and batch are on disk and will be carried out, after
    /// a crash too. Of entries with the same id the last one is stored.
    /// </summary>
    /// <param name="namespaceName">A text namespace.</param>
    /// <param name="documents">1 to <see cref="LimitOptions.MaxUploadItems"/> entries.</param>
    /// <param name="cancellationToken">Looked at until the batch is written; an upload that was cancelled left nothing behind.</param>
    /// <exception cref="MoorchehException">
    /// The codes of <see cref="GetNamespace"/> and <see cref="ItemRules"/>, <see cref="ErrorCodes.WrongNamespaceType"/>,
    /// <see cref="ErrorCodes.EmptyField"/>, <see cref="ErrorCodes.TooManyItems"/>, <see cref="ErrorCodes.EmbeddingModelMismatch"/>,
    /// <see cref="ErrorCodes.ItemLimitExceeded"/>, <see cref="ErrorCodes.QueueFull"/>, <see cref="ErrorCodes.StorageFull"/>,
    /// <see cref="ErrorCodes.StorageReadOnly"/>, <see cref="ErrorCodes.JournalFull"/>. Nothing was stored, and nothing will be.
    /// <see cref="ErrorCodes.OutcomeUnknown"/> with the fact <c>JobId</c>: the
    /// upload is carried out once it is on disk.
    /// </exception>
    public async Task<Job<UploadJobStatus>> UploadDocumentsAsync(
        string namespaceName, IReadOnlyList<Document> documents, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        return new Job<UploadJobStatus>(
            Jobs, await _parts.ChangeAsync(ticket => _parts.Uploads.AcceptAsync(namespaceName, documents, ticket, cancellationToken)).ConfigureAwait(false));
    }

    /// <summary>Uploads vectors; otherwise as <see cref="UploadDocumentsAsync"/>.</summary>
    /// <param name="namespaceName">A vector namespace.</param>
    /// <param name="vectors">1 to <see cref="LimitOptions.MaxUploadItems"/> entries.</param>
    /// <param name="cancellationToken">Looked at until the batch is written; an upload that was cancelled left nothing behind.</param>
    /// <exception cref="MoorchehException">As <see cref="UploadDocumentsAsync"/>, without <see cref="ErrorCodes.EmbeddingModelMismatch"/>.</exception>
    public async Task<Job<UploadJobStatus>> UploadVectorsAsync(
        string namespaceName, IReadOnlyList<VectorItem> vectors, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        return new Job<UploadJobStatus>(
            Jobs, await _parts.ChangeAsync(ticket => _parts.Uploads.AcceptAsync(namespaceName, vectors, ticket, cancellationToken)).ConfigureAwait(false));
    }

    /// <summary>Reads items by id.</summary>
    /// <param name="namespaceName">A namespace of either kind.</param>
    /// <param name="ids">1 to <see cref="MaxIds"/> ids.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The items in the order asked for, each once; unknown ids are left out.</returns>
    /// <exception cref="MoorchehException">
    /// The codes of <see cref="GetNamespace"/>, <see cref="ErrorCodes.EmptyField"/>, <see cref="ErrorCodes.TooManyIds"/>,
    /// <see cref="ErrorCodes.InvalidId"/>, <see cref="ErrorCodes.StorageDamaged"/>.
    /// </exception>
    public async Task<IReadOnlyList<Item>> GetItemsAsync(
        string namespaceName, IReadOnlyList<string> ids, CancellationToken cancellationToken = default)
    {
        using (_parts.Operations.Enter())
        {
            return await _parts.Items.GetAsync(namespaceName, ids, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>As <see cref="GetItemsAsync(string, IReadOnlyList{string}, CancellationToken)"/>, but leaves the items where they are, to be read one by one.</summary>
    /// <param name="namespaceName">A namespace of either kind.</param>
    /// <param name="ids">1 to <see cref="MaxIds"/> ids.</param>
    /// <param name="items">Empty; takes the items in the order asked for.</param>
    /// <param name="cancellationToken">Stops the looking up.</param>
    public async Task GetItemsAsync(
        string namespaceName, IReadOnlyList<string> ids, PinnedItems items, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        using (_parts.Operations.Enter())
        {
            await _parts.Items.FindAsync(namespaceName, ids, items.Records, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Deletes items by id; it is done and on disk when this returns. Deleting absent ids is fine. An entry that still waits in an upload
    /// job is not touched.
    /// </summary>
    /// <exception cref="MoorchehException">
    /// As <see cref="GetItemsAsync(string, IReadOnlyList{string}, CancellationToken)"/>; <see cref="ErrorCodes.ItemOwnedByArtifact"/>;
    /// while the disk takes no writes, <see cref="ErrorCodes.StorageFull"/> or
    /// <see cref="ErrorCodes.StorageReadOnly"/>: nothing was deleted. <see cref="ErrorCodes.OutcomeUnknown"/>: the items are deleted once that is on disk; calling
    /// again is safe.
    /// </exception>
    public async Task<ItemDeletion> DeleteItemsAsync(
        string namespaceName, IReadOnlyList<string> ids, CancellationToken cancellationToken = default)
    {
        return await _parts.ChangeAsync(ticket => _parts.Items.DeleteAsync(namespaceName, ids, ticket, cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>
    /// Deletes the items that pass a filter, as a job: on disk when this returns, carried out after a crash, too. It comes after the uploads that were accepted before
    /// it, and before those accepted later; an item that is changed otherwise while it runs goes when it passes as it then is. Chunks of artifacts stay.
    /// </summary>
    /// <param name="namespaceName">A namespace of either kind.</param>
    /// <param name="filter">Not the empty one.</param>
    /// <param name="cancellationToken">Looked at until the job is accepted.</param>
    /// <exception cref="MoorchehException">
    /// The codes of <see cref="GetNamespace"/>, <see cref="ErrorCodes.EmptyField"/>, <see cref="ErrorCodes.QueueFull"/>, <see cref="ErrorCodes.StorageDamaged"/>; while the
    /// disk takes no writes, <see cref="ErrorCodes.StorageFull"/> or <see cref="ErrorCodes.StorageReadOnly"/>: nothing was done. <see cref="ErrorCodes.OutcomeUnknown"/> with
    /// the fact <c>JobId</c>.
    /// </exception>
    public async Task<Job<ItemDeleteJobStatus>> DeleteItemsAsync(string namespaceName, Filter filter, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return new Job<ItemDeleteJobStatus>(
            Jobs, await _parts.ChangeAsync(ticket => _parts.ItemDeletes.AcceptAsync(namespaceName, filter, ticket, cancellationToken)).ConfigureAwait(false));
    }

    /// <summary>Counts items, as they are at one moment.</summary>
    /// <param name="namespaceName">A namespace of either kind.</param>
    /// <param name="filter">Counts those that pass; null for all.</param>
    /// <param name="cancellationToken">Stops the counting.</param>
    /// <exception cref="MoorchehException">The codes of <see cref="GetNamespace"/>; <see cref="ErrorCodes.StorageDamaged"/>.</exception>
    public async Task<long> CountItemsAsync(string namespaceName, Filter? filter = null, CancellationToken cancellationToken = default)
    {
        using (_parts.Operations.Enter())
        {
            return await _parts.Selection.CountAsync(_parts.State.Namespaces.Get(namespaceName), filter?.Node, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Merges metadata into those of an item, as JSON Merge Patch does (RFC 7396): null removes a key, an object is merged into one, everything else replaces. Text and
    /// vector stay, nothing is embedded; it is done and on disk when this returns. An entry that still waits in an upload job replaces the item afterwards.
    /// </summary>
    /// <param name="namespaceName">A namespace of either kind.</param>
    /// <param name="id">An item, no chunk of an artifact.</param>
    /// <param name="patch">What to merge.</param>
    /// <param name="cancellationToken">Looked at until the change begins.</param>
    /// <returns>The metadata the item has then.</returns>
    /// <exception cref="MoorchehException">
    /// The codes of <see cref="GetNamespace"/>, <see cref="ErrorCodes.InvalidId"/>, <see cref="ErrorCodes.ItemNotFound"/>, <see cref="ErrorCodes.ItemOwnedByArtifact"/>,
    /// <see cref="ErrorCodes.InvalidMetadata"/> when the merged ones are too large or too deep, <see cref="ErrorCodes.StorageDamaged"/>, <see cref="ErrorCodes.StorageFull"/>,
    /// <see cref="ErrorCodes.StorageReadOnly"/>, <see cref="ErrorCodes.JournalFull"/>: nothing was changed. <see cref="ErrorCodes.OutcomeUnknown"/>: it is changed once that
    /// is on disk; calling again is safe.
    /// </exception>
    public async Task<ItemMetadata> PatchMetadataAsync(
        string namespaceName, string id, ItemMetadata patch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        ArgumentNullException.ThrowIfNull(patch);
        return await _parts.ChangeAsync(ticket => _parts.Patching.PatchAsync(namespaceName, id, patch, ticket, cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Lists items by id, ordinal. Items added or removed between pages never repeat or hide others.</summary>
    /// <param name="namespaceName">A namespace of either kind.</param>
    /// <param name="limit">Most items, 1 to <see cref="MaxIds"/>; a page also ends once its texts pass 8 MiB.</param>
    /// <param name="afterId">Only greater ids; null starts at the first.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async Task<ItemPage> ListItemsAsync(
        string namespaceName, int limit = MaxIds, string? afterId = null, CancellationToken cancellationToken = default)
    {
        using (_parts.Operations.Enter())
        {
            return await _parts.Items.ListAsync(namespaceName, limit, afterId, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>As <see cref="ListItemsAsync(string, int, string, CancellationToken)"/>, but leaves the items where they are, to be read one by one.</summary>
    /// <param name="namespaceName">A namespace of either kind.</param>
    /// <param name="items">Empty; takes the items of the page.</param>
    /// <param name="limit">Most items, 1 to <see cref="MaxIds"/>; a page also ends once its texts pass 8 MiB.</param>
    /// <param name="afterId">Only greater ids; null starts at the first.</param>
    /// <param name="visit">Called with each item when it comes into the set, for what has to be known of all before any is used; the item is valid during the call.</param>
    /// <param name="cancellationToken">Stops the looking up.</param>
    /// <returns>True when there are more.</returns>
    public async Task<bool> ListItemsAsync(
        string namespaceName,
        PinnedItems items,
        int limit = MaxIds,
        string? afterId = null,
        Action<StoredItem>? visit = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        using (_parts.Operations.Enter())
        {
            return await _parts.Items.FindPageAsync(
                namespaceName, limit, afterId, items.Records, body => visit?.Invoke(new StoredItem(body)), cancellationToken).ConfigureAwait(false);
        }
    }
}
