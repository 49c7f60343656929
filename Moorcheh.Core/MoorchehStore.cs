using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Durability;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Pipelines;
using Moorcheh.Search;
using Moorcheh.Storage;

namespace Moorcheh;

/// <summary>
/// A store of namespaces of texts or vectors in one directory: uploads and deletes run as jobs, searches give the exact answer.
/// Safe for use from several threads; one process at a time. Close it with <c>await using</c>.
/// </summary>
public sealed class MoorchehStore : IAsyncDisposable
{
    /// <summary>Most ids in <see cref="GetItemsAsync(string, IReadOnlyList{string}, CancellationToken)"/> and <see cref="DeleteItemsAsync"/>, and most items of a page.</summary>
    public const int MaxIds = 100;

    /// <summary>Times in a row that a step of an upload may fail before the upload ends.</summary>
    private const int MaxUploadAttempts = 5;

    // A commit takes milliseconds, unless the disk takes no writes.
    private static readonly TimeSpan CountingPatience = TimeSpan.FromSeconds(2);

    private readonly DataDirectory _directory;
    private readonly ILogger _logger;
    private readonly StoreState _state;
    private readonly IJournal _journal;
    private readonly DiskState _disk;
    private readonly WorkMarks _marks;
    private readonly ChangeLog _log;
    private readonly NamespaceCreation _namespaces;
    private readonly UploadAcceptor _uploads;
    private readonly DeletePipeline _deletes;
    private readonly ItemAccess _items;
    private readonly SearchPipeline _search;
    private readonly BatchSearch _searchBatch;
    private readonly Embedder? _embedder;
    private readonly JobScheduler _scheduler;
    private readonly IndexMaintenance _indexes;
    private readonly Checkpoints _checkpoints;
    private readonly Housekeeping _housekeeping;
    private readonly OperationGuard _operations = new();
    private readonly Lazy<Task> _closing;

    private MoorchehStore(DataDirectory directory, MoorchehOptions options, ILogger logger, OpenStorage storage)
    {
        _directory = directory;
        _logger = logger;
        _state = storage.State;
        _journal = storage.Journal;
        _disk = storage.DiskState;
        _marks = new WorkMarks(directory.WorkPath, directory.Disk);
        Options = options;
        _embedder = options.Embedding.Generator is { } generator ? new Embedder(generator, options, logger) : null;

        _log = new ChangeLog(_state, _journal, _disk);
        _namespaces = new NamespaceCreation(_state, _log, options);
        var ending = new ArtifactEnding(_state, _log, options);
        _deletes = new DeletePipeline(_state, _log, ending, _marks, options);
        var pipeline = new UploadPipeline(_state, _log, _disk, _marks, _embedder, options);
        _scheduler = new JobScheduler(
            options.Jobs.Workers,
            (entry, token) => entry.State == NamespaceState.Deleting ? _deletes.StepAsync(entry, token) : pipeline.StepAsync(entry, token),
            async (entry, job, attempts, cause) =>
            {
                switch (job)
                {
                    case DeleteJobEntry when attempts >= options.Jobs.DeleteAttempts:
                        await _deletes.GiveUpAsync(entry, cause).ConfigureAwait(false);
                        return true;
                    case UploadJobEntry upload when attempts >= MaxUploadAttempts:
                        await pipeline.GiveUpAsync(entry, upload, cause).ConfigureAwait(false);
                        return true;
                    default:
                        return false;
                }
            },
            options.TimeProvider,
            logger);
        _uploads = new UploadAcceptor(_state, _log, _disk, _scheduler, _embedder, options);
        _items = new ItemAccess(_state, _log, options);
        _search = new SearchPipeline(_state, _embedder, new FilterMasks(_state));
        _searchBatch = new BatchSearch(_search);
        _indexes = new IndexMaintenance(_state, storage.IndexFiles, _disk, _marks, options.TimeProvider, logger);
        _checkpoints = new Checkpoints(directory.CheckpointDirectory, directory.Disk, _disk, _state, _journal, _log, _indexes, storage.Checkpoint, options.Storage.MaxJournalBytes, logger);
        _disk.RequireJournalRoom = _checkpoints.RequireJournalRoom;
        _housekeeping = new Housekeeping(_state, _checkpoints, _disk, options, logger);
        Jobs = new JobCollection(
            _state.Jobs,
            _state.Records,
            _operations,
            job => ChangeAsync(async ticket => _state.Find(job.Incarnation) is { } entry && await pipeline.CancelAsync(entry, job, ticket).ConfigureAwait(false)));
        Artifacts = new ArtifactStore(_state, _log, _namespaces, ending, _disk, _marks, _operations, _embedder, options);
        _closing = new Lazy<Task>(CloseAsync);
    }

    /// <summary>The jobs of this store.</summary>
    public JobCollection Jobs { get; }

    /// <summary>The documents of this store.</summary>
    public ArtifactStore Artifacts { get; }

    /// <summary>The settings the store was opened with; changing them now has no effect or an undefined one.</summary>
    public MoorchehOptions Options { get; }

    /// <summary>
    /// Opens a directory: creates it if it is absent, locks it, recovers what is in it, and goes on with unfinished jobs.
    /// </summary>
    /// <param name="directory">Path; relative to the current directory.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the opening before the store is handed out.</param>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.DirectoryLocked"/>, <see cref="ErrorCodes.StorageDamaged"/> or <see cref="ErrorCodes.UnsupportedFormat"/>.
    /// The directory is as it was. <see cref="ErrorCodes.StorageFailed"/>: a flush to disk failed; nothing was lost, and it can be tried again.
    /// </exception>
    public static async Task<MoorchehStore> OpenAsync(
        string directory, MoorchehOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(directory);
        cancellationToken.ThrowIfCancellationRequested();
        options ??= new MoorchehOptions();
        options.Validate();
        ILogger logger = options.CreateLogger();
        long start = Stopwatch.GetTimestamp();
        DataDirectory? data = null;
        try
        {
            data = DataDirectory.Open(directory, options.Disk);
            if (data.SharedMode is { } mode)
            {
                logger.DirectoryIsShared(data.Root, mode);
            }

            OpenStorage storage = await Recovery.OpenAsync(data, options, logger).ConfigureAwait(false);
            var store = new MoorchehStore(data, options, logger, storage);
            await store.CountEndsAsync().ConfigureAwait(false);
            store.Start();
            StoreStatus status = store.GetStatus();
            logger.StoreOpened(
                data.Root, status.Namespaces, status.Items, status.RunningJobs, (long)Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            return store;
        }
        catch (Exception e)
        {
            data?.Dispose();
            if (e is FlushException)
            {
                throw new MoorchehException(
                    ErrorCodes.StorageFailed, $"Directory '{directory}' was not opened, since nothing in it can be made durable: {e.Message}", e);
            }

            throw;
        }
    }

    /// <summary>Creates a namespace; it is on disk when this returns.</summary>
    /// <param name="name">1 to 128 of <c>A-Z a-z 0-9 _ -</c>, the first a letter or digit; case-sensitive.</param>
    /// <param name="kind">Texts or vectors.</param>
    /// <param name="dimension">Values per vector, 1 to 16,384; null for a text namespace.</param>
    /// <param name="cancellationToken">Looked at until the namespace is written.</param>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.InvalidName"/>, <see cref="ErrorCodes.MissingField"/>, <see cref="ErrorCodes.InvalidDimension"/>,
    /// <see cref="ErrorCodes.NamespaceExists"/>, <see cref="ErrorCodes.NamespaceDeleting"/>,
    /// <see cref="ErrorCodes.NamespaceDeleteFailed"/>, <see cref="ErrorCodes.NamespaceLimitExceeded"/>, <see cref="ErrorCodes.StorageFull"/> or
    /// <see cref="ErrorCodes.StorageReadOnly"/>, <see cref="ErrorCodes.JournalFull"/>: nothing was stored.
    /// <see cref="ErrorCodes.OutcomeUnknown"/>: it is created once that is on disk.
    /// </exception>
    public async Task<NamespaceInfo> CreateNamespaceAsync(
        string name, NamespaceKind kind, int? dimension = null, CancellationToken cancellationToken = default)
    {
        _disk.RequireRoom(0);
        NamespaceEntry entry = await ChangeAsync(ticket => _namespaces.CreateAsync(name, kind, dimension, ticket, cancellationToken)).ConfigureAwait(false);
        return entry.ToInfo();
    }

    /// <summary>The live namespaces by name, ordinal.</summary>
    public IReadOnlyList<NamespaceInfo> ListNamespaces() =>
    [
        .. _state.Namespaces
            .Where(entry => entry is { State: NamespaceState.Active, IsHidden: false })
            .OrderBy(entry => entry.Name, StringComparer.Ordinal)
            .Select(entry => entry.ToInfo()),
    ];

    /// <summary>A live namespace; null when there is none of that name.</summary>
    public NamespaceInfo? FindNamespace(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _state.Find(name) is { State: NamespaceState.Active, IsHidden: false } entry ? entry.ToInfo() : null;
    }

    /// <summary>A live namespace.</summary>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.NamespaceNotFound"/>, <see cref="ErrorCodes.NamespaceDeleting"/> or <see cref="ErrorCodes.NamespaceDeleteFailed"/>.
    /// </exception>
    public NamespaceInfo GetNamespace(string name) => _state.Namespaces.Get(name).ToInfo();

    /// <summary>
    /// Deletes a namespace with everything in it. When this returns the decision is on disk: the namespace is invisible, its uploads
    /// stop, its items no longer count. The job removes the data; then the name is free.
    /// </summary>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.NamespaceNotFound"/>, <see cref="ErrorCodes.NamespaceDeleting"/> with the fact <c>JobId</c>, or, while the disk takes no writes,
    /// <see cref="ErrorCodes.StorageFull"/> or <see cref="ErrorCodes.StorageReadOnly"/>: nothing was done. <see cref="ErrorCodes.OutcomeUnknown"/> with the fact
    /// <c>JobId</c>.
    /// </exception>
    public async Task<Job<DeleteJobStatus>> DeleteNamespaceAsync(string name, CancellationToken cancellationToken = default)
    {
        DeleteJobEntry accepted = await ChangeAsync(async ticket =>
        {
            try
            {
                return await _deletes.StartAsync(name, ticket, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                if (_state.Find(name) is { } entry)
                {
                    _scheduler.Wake(entry); // After a failed commit too: the mark may be on disk.
                }
            }
        }).ConfigureAwait(false);
        return new Job<DeleteJobStatus>(Jobs, accepted);
    }

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
            Jobs, await ChangeAsync(ticket => _uploads.AcceptAsync(namespaceName, documents, ticket, cancellationToken)).ConfigureAwait(false));
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
            Jobs, await ChangeAsync(ticket => _uploads.AcceptAsync(namespaceName, vectors, ticket, cancellationToken)).ConfigureAwait(false));
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
        using (_operations.Enter())
        {
            return await _items.GetAsync(namespaceName, ids, cancellationToken).ConfigureAwait(false);
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
        using (_operations.Enter())
        {
            await _items.FindAsync(namespaceName, ids, items.Records, cancellationToken).ConfigureAwait(false);
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
        return await ChangeAsync(ticket => _items.DeleteAsync(namespaceName, ids, ticket, cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Lists items by id, ordinal. Items added or removed between pages never repeat or hide others.</summary>
    /// <param name="namespaceName">A namespace of either kind.</param>
    /// <param name="limit">Most items, 1 to <see cref="MaxIds"/>; a page also ends once its texts pass 8 MiB.</param>
    /// <param name="afterId">Only greater ids; null starts at the first.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async Task<ItemPage> ListItemsAsync(
        string namespaceName, int limit = MaxIds, string? afterId = null, CancellationToken cancellationToken = default)
    {
        using (_operations.Enter())
        {
            return await _items.ListAsync(namespaceName, limit, afterId, cancellationToken).ConfigureAwait(false);
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
        using (_operations.Enter())
        {
            return await _items.FindPageAsync(
                namespaceName, limit, afterId, items.Records, body => visit?.Invoke(new StoredItem(body)), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Finds the items nearest to a text or vector. Exact and deterministic: the answer depends on the data and the query only. Never
    /// waits for an upload.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="SearchRequest.TopK"/> is out of range.</exception>
    /// <exception cref="MoorchehException">
    /// The codes of <see cref="GetNamespace"/>, <see cref="ErrorCodes.EmptyField"/>, <see cref="ErrorCodes.QueryTooLong"/>,
    /// <see cref="ErrorCodes.NonFiniteValue"/>, <see cref="ErrorCodes.DimensionMismatch"/>, <see cref="ErrorCodes.TooManyNamespaces"/>,
    /// <see cref="ErrorCodes.WrongNamespaceType"/>, <see cref="ErrorCodes.OutOfRange"/>, <see cref="ErrorCodes.EmbeddingModelMismatch"/>,
    /// <see cref="ErrorCodes.EmbedderMissing"/>, <see cref="ErrorCodes.EmbedderFailed"/>.
    /// </exception>
    public async Task<SearchResult> SearchAsync(SearchRequest request, CancellationToken cancellationToken = default)
    {
        using (_operations.Enter())
        {
            return await _search.SearchAsync(request, null, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// As <see cref="SearchAsync(SearchRequest, CancellationToken)"/>, but the hits have neither text nor metadata: their items, as searched, come into
    /// a set, to be read one by one.
    /// </summary>
    /// <param name="request">The search.</param>
    /// <param name="items">Takes the items in the order of the hits, in place of what is in it.</param>
    /// <param name="cancellationToken">Looked at between the steps.</param>
    public async Task<SearchResult> SearchAsync(SearchRequest request, PinnedItems items, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        using (_operations.Enter())
        {
            return await _search.SearchAsync(request, items.Records, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Runs many searches in less time than one by one: text queries are embedded in one call, and searches of the same namespaces with the
    /// same filters read the one-bit codes once for every four of them. Requests may differ in everything; those that agree in
    /// <see cref="SearchRequest.Namespaces"/>, filters and <see cref="SearchRequest.Threads"/> share work. All requests are checked before
    /// any work is done; a call that fails gives no results, and repeating it is safe. Safe for use from several threads; never waits for
    /// an upload.
    /// </summary>
    /// <param name="requests">Up to <see cref="SearchRequest.MaxBatch"/> searches; none is fine.</param>
    /// <param name="cancellationToken">Looked at between the steps.</param>
    /// <returns>
    /// The answers in the order of the requests, each with the same hits, bit for bit, as <see cref="SearchAsync(SearchRequest, CancellationToken)"/> gives on the same data.
    /// Steps that searches did together count in full in the timings of each.
    /// </returns>
    /// <exception cref="ArgumentException">There are too many requests, or one is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">As <see cref="SearchAsync(SearchRequest, CancellationToken)"/>; the message begins with the number of the query.</exception>
    /// <exception cref="MoorchehException">
    /// As <see cref="SearchAsync(SearchRequest, CancellationToken)"/>; when a request is to blame, the message begins with its number, counted from 0, which is also the fact
    /// <c>Query</c>.
    /// </exception>
    public async Task<IReadOnlyList<SearchResult>> SearchBatchAsync(
        IReadOnlyList<SearchRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        using (_operations.Enter())
        {
            return await _searchBatch.SearchAsync(requests, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Counts and configuration; never calls the embedding generator.</summary>
    public StoreStatus GetStatus()
    {
        (long items, long reserved) = _state.Quota.Counts;
        string? readOnlyReason = _disk.ReadOnlyReason;
        NamespaceEntry[] stopped = [.. _state.Namespaces.Where(entry => entry.Failure is not null).OrderBy(entry => entry.Name, StringComparer.Ordinal)];
        LoopStatus[] loops = [_scheduler.Loop, .. Artifacts.Loops, _indexes.Loop, .. _housekeeping.Loops];
        return new StoreStatus
        {
            Items = items,
            MaxItems = Options.Limits.MaxItems,
            ReservedItems = reserved,
            Namespaces = _state.Namespaces.Count(entry => entry.State == NamespaceState.Active),
            RunningJobs = _state.Jobs.RunningCount,
            WaitingCallbacks = _state.Outbox.Count,
            LongestStep = new[] { _scheduler.LongestStep, Artifacts.LongestStep }.Max(),
            DamagedReads = _state.Records.DamagedReads,
            EmbeddingProvider = _embedder?.Provider ?? "none",
            EmbeddingModel = _embedder?.Model ?? string.Empty,
            ReadOnlyReason = readOnlyReason,
            FreeBytes = _disk.FreeBytes,
            JournalBytes = _checkpoints.KeptJournalBytes,
            MaxJournalBytes = Options.Storage.MaxJournalBytes,
            StoppedNamespaces = [.. stopped.Select(entry => entry.Name)],
            Loops = loops,
            Problems =
            [
                .. readOnlyReason is null ? [] : (string[])[readOnlyReason],
                .. stopped.Select(entry => $"Namespace '{entry.Name}' takes no changes until the store is opened again: {entry.Failure?.Message}"),
                .. _checkpoints.IsJournalFull
                    ? (string[])[$"The journal has {_checkpoints.KeptJournalBytes} bytes of {Options.Storage.MaxJournalBytes}: "
                        + "nothing can be stored until it is cut by a checkpoint."]
                    : [],
                .. loops.Where(loop => loop.Failure is not null).Select(loop => $"Background work '{loop.Name}' fails: {loop.Failure}"),
            ],
        };
    }

    /// <summary>
    /// Takes a checkpoint now. Nothing depends on it: the store takes them by itself, and what is acknowledged is on disk without them. A
    /// checkpoint shortens the next opening.
    /// </summary>
    public async Task CheckpointAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await ChangeAsync(async _ =>
        {
            await _checkpoints.TakeAsync().ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
    }

    /// <summary>
    /// Copies the store as it is at one moment of the call to another directory, and verifies the copy; uploads and searches go on. The copy
    /// is a store of its own, see <see cref="StoreFiles.RestoreAsync"/>; jobs that were unfinished at that moment go on there too. Takes a
    /// checkpoint; the next one waits until the copy is done. What a call that failed leaves does not open.
    /// </summary>
    /// <param name="directory">Absent or empty, and outside of every store.</param>
    /// <param name="cancellationToken">Stops the waiting for another checkpoint and the copying; what was copied stays.</param>
    /// <exception cref="ArgumentException">There is something in the directory, or it is within a store.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageDamaged"/>: the copy is not sound, because the store or a disk is not.</exception>
    /// <exception cref="IOException">There is no room, or the directory cannot be written; what was copied stays.</exception>
    public async Task SnapshotAsync(string directory, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(directory);
        cancellationToken.ThrowIfCancellationRequested();
        using (_operations.Enter())
        {
            var files = new SnapshotFiles(_directory.Root, Path.GetFullPath(directory), _directory.Disk);
            files.CheckTarget();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _operations.Closing);
            try
            {
                await _checkpoints.TakeAsync(manifest => files.CopyCheckpoint(manifest, stop.Token), stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw OperationGuard.ShuttingDown();
            }
        }
    }

    /// <summary>
    /// Closes the store, in this order: refuse new calls; wait for running ones; stop the workers at a safe point (up to
    /// <see cref="MoorchehOptions.ShutdownTimeout"/>); end waits for jobs; take a checkpoint; close the journal, the records and the
    /// lock. Unfinished jobs go on when the directory is opened again. Calling it again waits for the same closing.
    /// </summary>
    public async ValueTask DisposeAsync() => await _closing.Value.ConfigureAwait(false);

    internal RecordSet NewRecordSet() => new(_state.Records, _operations);

    /// <summary>Runs a change, but waits for it only as long as the disk takes writes. A change that has begun goes on to its end all the same.</summary>
    private Task<T> ChangeAsync<T>(Func<ChangeTicket, Task<T>> change)
    {
        var ticket = new ChangeTicket();
        async Task<T> RunAsync()
        {
            using (_operations.Enter())
            {
                await _disk.WaitForWritesAsync().ConfigureAwait(false);
                return await change(ticket).ConfigureAwait(false);
            }
        }

        return _disk.WaitAsync(RunAsync(), ticket);
    }

    /// <summary>Counts what was at work when the process before ended: on disk, before any of it is begun again.</summary>
    private async Task CountEndsAsync()
    {
        bool isAny = false;
        foreach (WorkKey work in _marks.Left.Distinct())
        {
            if (WorkEnded.FindEnds(_state, work) is { } ends)
            {
                var ended = new WorkEnded(work, ends + 1);
                _logger.ProcessEnded(work.Kind.ToString(), work.Id, ended.Ends);
                _log.Append(ended);
                ended.Apply(_state);
                isAny = true;
            }
        }

        // A store on a full disk opens all the same. What was left stays until it is counted on disk: it may be counted twice then, but not forgotten.
        Task counted = isAny ? _log.InsistAsync() : Task.CompletedTask;
        if (await Task.WhenAny(counted, Task.Delay(CountingPatience)).ConfigureAwait(false) == counted)
        {
            await counted.ConfigureAwait(false);
            _marks.Clear();
        }
    }

    private void Start()
    {
        _scheduler.Start();
        foreach (NamespaceEntry entry in _state.Namespaces)
        {
            if (entry.Uploads.Count > 0 || entry.State == NamespaceState.Deleting)
            {
                _scheduler.Wake(entry);
            }
        }

        Artifacts.Start();
        _indexes.Start();
        _housekeeping.Start();
    }

    private async Task CloseAsync()
    {
        _disk.BeginClosing();
        await _operations.CloseAsync().ConfigureAwait(false);
        await _housekeeping.StopAsync().ConfigureAwait(false);
        await _indexes.StopAsync().ConfigureAwait(false);
        TimeSpan patience = Options.ShutdownTimeout;
        Task<bool> tasksStopped = Artifacts.StopAsync(patience);
        bool stopped = await _scheduler.StopAsync(patience).ConfigureAwait(false) & await tasksStopped.ConfigureAwait(false);
        _state.Jobs.Close();
        if (stopped)
        {
            await _housekeeping.TakeLastCheckpointAsync().ConfigureAwait(false);
        }
        else
        {
            _logger.ShutdownTimedOut(patience);
        }

        _marks.Dispose();
        await _disk.DrainAsync().ConfigureAwait(false);
        await _journal.DisposeAsync().ConfigureAwait(false);
        await _state.Records.DisposeAsync().ConfigureAwait(false);
        if (stopped)
        {
            foreach (NamespaceEntry entry in _state.Namespaces)
            {
                entry.Index.Unmap();
            }
        }

        _directory.Dispose();
        _logger.StoreClosed(_directory.Root);
    }
}
