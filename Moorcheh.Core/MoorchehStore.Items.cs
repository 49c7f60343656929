
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
