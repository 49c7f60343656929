using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts.Pipelines;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Callbacks;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Pipelines;
using Moorcheh.Storage;

namespace Moorcheh.Artifacts;

/// <summary>
/// Documents of a store: each is an artifact of a collection, cut into chunks that are items of the text namespace with the collection's name. A
/// collection whose name no namespace may have is a hidden namespace: searches may name it, and it vanishes with its last artifact. All work on
/// one artifact runs in the order accepted, that on different ones side by side. Safe for use from several threads.
/// </summary>
public sealed class ArtifactStore
{
    /// <summary>Most characters (Unicode code points) of the name of a collection or artifact.</summary>
    public const int MaxNameLength = 255;

    private readonly StoreState _state;
    private readonly OperationGuard _operations;
    private readonly DiskState _disk;
    private readonly ArtifactWorkers _workers;
    private readonly ArtifactAcceptor _acceptor;
    private readonly ArtifactReader _reader;
    private readonly CallbackDispatcher _dispatcher;

    internal ArtifactStore(
        StoreState state, ChangeLog log, NamespaceCreation namespaces, ArtifactEnding ending, DiskState disk, WorkMarks marks,
        OperationGuard operations, Embedder? embedder, MoorchehOptions options)
    {
        _state = state;
        _operations = operations;
        _disk = disk;
        ILogger logger = options.CreateLogger();
        var progress = new ProgressReporter(state, log, options);
        var ingests = new IngestPipeline(state, namespaces, log, disk, marks, embedder, ending, progress, options, logger);
        var removals = new RemovalPipeline(state, log, marks, ending, progress, options, logger);
        _workers = new ArtifactWorkers(
            state.Artifacts,
            options.Artifacts.Workers,
            (task, stopping) => task.Status.IsIngest ? ingests.RunAsync(task, stopping) : removals.RunAsync(task, stopping),
            options.TimeProvider,
            logger);
        _acceptor = new ArtifactAcceptor(state, log, disk, _workers, options);
        _reader = new ArtifactReader(state);

        _dispatcher = new CallbackDispatcher(state, log, marks, options, logger);
    }

    /// <summary>
    /// Stores a document in place of an earlier version, and waits until it is stored: searchable, listed and readable, in one step. Work that was
    /// begun goes on when the wait is cancelled. A call that fails has changed nothing, unless it fails with <see cref="ErrorCodes.OutcomeUnknown"/>: then the
    /// document is stored if that gets to the disk, and lists and readings tell.
    /// </summary>
    /// <returns>The artifact; null when the same bytes, file name and metadata were stored already.</returns>
    /// <exception cref="ArgumentException">A name has 0 or more than <see cref="MaxNameLength"/> characters, or is not valid Unicode.</exception>
    /// <exception cref="MoorchehException">
    /// Those of <see cref="StartIngestAsync"/>; <see cref="ErrorCodes.InvalidFile"/>, <see cref="ErrorCodes.UriNotAccessible"/>,
    /// <see cref="ErrorCodes.ItemLimitExceeded"/>, <see cref="ErrorCodes.NamespaceLimitExceeded"/>, <see cref="ErrorCodes.EmbeddingModelMismatch"/>,
    /// <see cref="ErrorCodes.EmbedderMissing"/>, <see cref="ErrorCodes.EmbedderFailed"/>, <see cref="ErrorCodes.ArtifactRevoked"/>.
    /// </exception>
    public Task<ArtifactInfo?> IngestAsync(ArtifactIngest ingest, CancellationToken cancellationToken = default) =>
        IngestAsync(ingest, static () => { }, cancellationToken);

    /// <summary>As <see cref="IngestAsync(ArtifactIngest, CancellationToken)"/>, for a caller who wants to let the document go as soon as may be.</summary>
    /// <param name="ingest">The document.</param>
    /// <param name="accepted">Called once, when the document is on disk and not needed any more; its end is still to be waited for.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<ArtifactInfo?> IngestAsync(ArtifactIngest ingest, Action accepted, CancellationToken cancellationToken = default) =>
        WaitForIngestAsync(AcceptAsync(ticket => _acceptor.AcceptAsync(ingest, null, isSync: true, ticket, cancellationToken)), accepted, cancellationToken);

    /// <summary>Has no document: an async method keeps its parameters in memory until it ends, and this one ends with the work.</summary>
    private async Task<ArtifactInfo?> WaitForIngestAsync(Task<ArtifactTaskEntry> acceptance, Action accepted, CancellationToken cancellationToken)
    {
        ArtifactTaskEntry task = await acceptance.ConfigureAwait(false);
        accepted();
        ArtifactTaskStatus ended = await WaitAsync(task, cancellationToken).ConfigureAwait(false);
        return ended.IsSkipped ? null : new ArtifactInfo(ended.Artifact, task.Result!);
    }

    /// <summary>
    /// Begins to store a document. When this returns, the task and all it needs are on disk: it will be carried out, after a crash too.
    /// </summary>
    /// <param name="ingest">The document.</param>
    /// <param name="callback">
    /// Where messages about the task are wanted; null for none. They are on disk with what they tell of, and are sent at least once, in order, by
    /// <see cref="ArtifactOptions.CallbackPublisher"/>; without one they are dropped.
    /// </param>
    /// <param name="cancellationToken">Looked at until the task is written.</param>
    /// <exception cref="ArgumentException">
    /// As <see cref="IngestAsync(ArtifactIngest, CancellationToken)"/>; or a name of the callback is too long, or not valid Unicode.
    /// </exception>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.InvalidMetadata"/>, of the callback's properties too, <see cref="ErrorCodes.WrongNamespaceType"/>, <see cref="ErrorCodes.NamespaceDeleting"/>,
    /// <see cref="ErrorCodes.NamespaceDeleteFailed"/>, <see cref="ErrorCodes.QueueFull"/>, <see cref="ErrorCodes.StorageFull"/>,
    /// <see cref="ErrorCodes.StorageReadOnly"/> or <see cref="ErrorCodes.ShuttingDown"/>. Nothing was stored, and nothing will be.
    /// <see cref="ErrorCodes.OutcomeUnknown"/> with the fact <c>JobId</c>, the task: it is carried out once it is on disk.
    /// </exception>
    public async Task<ArtifactTaskStatus> StartIngestAsync(ArtifactIngest ingest, ArtifactCallback? callback = null, CancellationToken cancellationToken = default) =>
        (await AcceptAsync(ticket => _acceptor.AcceptAsync(ingest, callback, isSync: false, ticket, cancellationToken)).ConfigureAwait(false)).Status;

    /// <summary>Deletes an artifact; it is gone, on disk, when this returns. Waits for a delete of it that is under way.</summary>
    /// <exception cref="ArgumentException">As <see cref="IngestAsync(ArtifactIngest, CancellationToken)"/>.</exception>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.ArtifactNotFound"/>; <see cref="ErrorCodes.ArtifactBusy"/>: an ingest of it is queued or running;
    /// <see cref="ErrorCodes.NamespaceDeleting"/>, <see cref="ErrorCodes.NamespaceDeleteFailed"/>; <see cref="ErrorCodes.StorageFull"/>,
    /// <see cref="ErrorCodes.StorageReadOnly"/> and <see cref="ErrorCodes.OutcomeUnknown"/> as for <see cref="StartDeleteAsync"/>, without the fact.
    /// </exception>
    public async Task DeleteAsync(string collection, string artifact, CancellationToken cancellationToken = default)
    {
        ArtifactTaskEntry task = await AcceptAsync(
            ticket => _acceptor.AcceptDeleteAsync(collection, artifact, null, isSync: true, ticket, cancellationToken)).ConfigureAwait(false);
        await WaitAsync(task, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Begins to delete an artifact. When this returns, the task is on disk, and every queued or running ingest of the artifact has ended as
    /// <see cref="ArtifactTaskState.Revoked"/>. The task fails when there was nothing to revoke or remove.
    /// </summary>
    /// <param name="collection">The collection.</param>
    /// <param name="artifact">The artifact.</param>
    /// <param name="callback">As for <see cref="StartIngestAsync"/>.</param>
    /// <param name="cancellationToken">Looked at until the task is written.</param>
    /// <exception cref="ArgumentException">As <see cref="StartIngestAsync"/>.</exception>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.InvalidMetadata"/>: of the callback's properties; while the disk takes no writes, <see cref="ErrorCodes.StorageFull"/> or
    /// <see cref="ErrorCodes.StorageReadOnly"/>: nothing was revoked or deleted. <see cref="ErrorCodes.OutcomeUnknown"/> as for <see cref="StartIngestAsync"/>.
    /// </exception>
    public async Task<ArtifactTaskStatus> StartDeleteAsync(
        string collection, string artifact, ArtifactCallback? callback = null, CancellationToken cancellationToken = default) =>
        (await AcceptAsync(ticket => _acceptor.AcceptDeleteAsync(collection, artifact, callback, isSync: false, ticket, cancellationToken)).ConfigureAwait(false)).Status;

    /// <summary>A task by its id; null when there is none or it is no longer kept.</summary>
    public ArtifactTaskStatus? FindTask(string taskId) => FindEntry(taskId)?.Status;

    /// <summary>What an ingest stored, as it was then; null for a task that stored nothing, or is no longer kept.</summary>
    public async Task<ArtifactInfo?> FindResultAsync(string taskId, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using (_operations.Enter())
        {
            return FindEntry(taskId) is { Status: { IsIngest: true, TaskState: ArtifactTaskState.Success, IsSkipped: false } status } task
                && await ArtifactRecords.FindAsync(_state.Records, ArtifactRecords.ResultKey(task.Id)).ConfigureAwait(false) is { } metadata
                    ? new ArtifactInfo(status.Artifact, metadata)
                    : null;
        }
    }

    /// <summary>Waits until a task has ended; null when there is no such task.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.ShuttingDown"/>: the store was closed first.</exception>
    public async Task<ArtifactTaskStatus?> WaitAsync(string taskId, CancellationToken cancellationToken = default) =>
        FindEntry(taskId) is { } task ? (ArtifactTaskStatus)await _state.Jobs.WaitAsync(task, cancellationToken).ConfigureAwait(false) : null;

    /// <summary>The artifacts of a collection by name, ordinal; none for a name that is no collection.</summary>
    public async Task<IReadOnlyList<ArtifactInfo>> ListAsync(string collection, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(collection);
        using (_operations.Enter())
        {
            return await _reader.ListAsync(collection, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Reads an artifact; null when there is none.</summary>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.StorageDamaged"/>; <see cref="ErrorCodes.ArtifactBusy"/>: its first version is being ingested.
    /// </exception>
    public async Task<ArtifactContent?> ReadAsync(string collection, string artifact, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(collection);
        ArgumentNullException.ThrowIfNull(artifact);
        using (_operations.Enter())
        {
            bool isBusy = _reader.IsBusy(collection, artifact); // Looked at first: one that ends meanwhile has then been stored.
            return await _reader.ReadAsync(collection, artifact, cancellationToken).ConfigureAwait(false)
                ?? (isBusy ? throw ArtifactAcceptor.Busy(artifact) : null);
        }
    }

    /// <summary>As <see cref="ReadAsync"/>, but leaves the chunks where they are, to be read one by one.</summary>
    /// <param name="collection">The collection.</param>
    /// <param name="artifact">The artifact.</param>
    /// <param name="items">Holds the chunks until it is disposed; may hold those of several artifacts. Its count does not change.</param>
    /// <exception cref="MoorchehException">As <see cref="ReadAsync"/>.</exception>
    public async Task<OpenArtifact?> OpenAsync(string collection, string artifact, PinnedItems items)
    {
        ArgumentNullException.ThrowIfNull(collection);
        ArgumentNullException.ThrowIfNull(artifact);
        ArgumentNullException.ThrowIfNull(items);
        using (_operations.Enter())
        {
            bool isBusy = _reader.IsBusy(collection, artifact); // As in ReadAsync.
            return await _reader.OpenAsync(collection, artifact, items.Records).ConfigureAwait(false)
                ?? (isBusy ? throw ArtifactAcceptor.Busy(artifact) : null);
        }
    }

    /// <summary>The names of the artifacts of a collection, ordinal; none for a name that is no collection.</summary>
    public IReadOnlyList<string> ListNames(string collection)
    {
        ArgumentNullException.ThrowIfNull(collection);
        return _reader.ListNames(collection);
    }

    /// <summary>An artifact without its text; null when there is none.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageDamaged"/>.</exception>
    public async Task<ArtifactInfo?> FindAsync(string collection, string artifact)
    {
        ArgumentNullException.ThrowIfNull(collection);
        ArgumentNullException.ThrowIfNull(artifact);
        using (_operations.Enter())
        {
            return await _reader.FindAsync(collection, artifact).ConfigureAwait(false);
        }
    }

    internal TimeSpan LongestStep => _workers.LongestStep;

    internal IEnumerable<LoopStatus> Loops => [_workers.Loop, .. _dispatcher.Loops];

    internal void Start()
    {
        _dispatcher.Start();
        _workers.Start();
    }

    internal async Task<bool> StopAsync(TimeSpan patience)
    {
        Task<bool> stopped = _dispatcher.StopAsync(patience);
        return await _workers.StopAsync(patience).ConfigureAwait(false) & await stopped.ConfigureAwait(false);
    }

    private Task<ArtifactTaskEntry> AcceptAsync(Func<ChangeTicket, Task<ArtifactTaskEntry>> accept)
    {
        var ticket = new ChangeTicket();
        async Task<ArtifactTaskEntry> RunAsync()
        {
            using (_operations.Enter())
            {
                await _disk.WaitForWritesAsync().ConfigureAwait(false);
                return await accept(ticket).ConfigureAwait(false);
            }
        }

        return _disk.WaitAsync(RunAsync(), ticket);
    }

    /// <summary>Waits for a task that nobody else can wait for, and throws what it failed with.</summary>
    private async Task<ArtifactTaskStatus> WaitAsync(ArtifactTaskEntry task, CancellationToken cancellationToken)
    {
        await _state.Jobs.WaitAsync(task, cancellationToken).ConfigureAwait(false);
        ArtifactTaskStatus status = task.Status;
        return status.TaskState switch
        {
            ArtifactTaskState.Failure => throw new MoorchehException(status.ErrorCode!, status.LastError!),
            ArtifactTaskState.Revoked => throw new MoorchehException(
                ErrorCodes.ArtifactRevoked, $"Ingestion of artifact '{status.Artifact}' was revoked by a delete request."),
            _ => status,
        };
    }

    private ArtifactTaskEntry? FindEntry(string taskId) =>
        Guid.TryParseExact(taskId, "D", out Guid id) && ArtifactTaskEntry.Format(id) == taskId && _state.Jobs.Find(id) is ArtifactTaskEntry { IsSync: false } task
            ? task
            : null;
}
